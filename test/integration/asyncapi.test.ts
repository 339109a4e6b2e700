/** /asyncapi.json, held against its official parser and against what really comes out of a socket. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { checker } from "../../broker/validator.ts";
import { clientEvents, serverEvents } from "../../contracts/socket.ts";
import type { TSchema } from "typebox";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";

interface Reference {
  $ref: string;
}
interface Document {
  channels: Record<
    string,
    { messages: Record<string, { name: string; summary: string; payload: TSchema }> }
  >;
  operations: Record<
    string,
    { action: string; messages: Reference[]; reply?: { messages: Reference[] } }
  >;
}

let market: Market;
let text: string;
let document: Document;
beforeAll(async () => {
  market = await startMarket();
  text = await (await fetch(`${market.api}/asyncapi.json`)).text();
  document = JSON.parse(text) as Document;
});
afterAll(() => market.close());

const messages = () => document.channels.events!.messages;
const at = ({ $ref }: Reference) => messages()[$ref.replace("#/channels/events/messages/", "")]!;

/** The parser is not an ES module and caches its results, so it runs in a separate process. */
async function diagnosed(source: string): Promise<{ severity: number; message: string }[]> {
  const script = `
    import { Parser } from "@asyncapi/parser";
    let source = "";
    for await (const chunk of process.stdin) source += chunk;
    console.log(JSON.stringify((await new Parser().parse(source)).diagnostics));`;
  const running = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  running.child.stdin!.end(source);
  return JSON.parse((await running).stdout);
}

describe("/asyncapi.json", () => {
  it("is AsyncAPI 3.0 without errors or warnings of the official parser", async () => {
    expect(document).toMatchObject({ asyncapi: "3.0.0" });
    const [ours, broken] = await Promise.all([
      diagnosed(text),
      diagnosed(text.replace('"action":"send"', '"action":"shout"')),
    ]);
    const grave = (found: typeof ours) => found.filter(({ severity }) => severity <= 1);
    expect(grave(ours)).toEqual([]);
    expect(grave(broken)).not.toEqual([]);
  });

  it("has exactly the events of the contract, with their payloads and acknowledgements", () => {
    const plain = (schema: TSchema) => JSON.parse(JSON.stringify(schema)) as object;
    const listed = Object.values(document.operations).map((operation) => {
      const [message, ...none] = operation.messages.map(at);
      expect(none).toEqual([]);
      expect(message!.summary).toMatch(/.{30}/);
      return [
        operation.action,
        message!.name,
        message!.payload,
        operation.reply?.messages.map((one) => at(one).payload) ?? [],
      ];
    });
    expect(listed).toEqual([
      ...Object.entries(clientEvents).map(([name, { payload, ack }]) => [
        "receive",
        name,
        plain(payload),
        [plain(ack), messages().refused!.payload],
      ]),
      ...Object.entries(serverEvents).map(([name, payload]) => ["send", name, plain(payload), []]),
    ]);
    const used = Object.values(document.operations).flatMap(({ messages, reply }) =>
      [...messages, ...(reply?.messages ?? [])].map(at),
    );
    expect(new Set(used)).toEqual(new Set(Object.values(messages())));
  });

  it("describes the events that a real socket receives, failures included", async () => {
    const [seller, buyer] = await Promise.all([
      Client.registered(market.api),
      Client.registered(market.api),
    ]);
    const [one, other] = [market.device(), market.device(seller.session!.accessToken)];
    const acks = [["authorize", await one.ask("authorize", { token: "none" })]];
    acks.push(["authorize", await one.ask("authorize", { token: seller.session!.accessToken })]);
    const { body: item } = await seller.call<{ id: string }>("POST", "/market/items", {
      title: "A lamp",
      price: 1,
    });
    await buyer.call("POST", `/market/buy/${item.id}`);
    const { id } = await one.receives("notification");
    acks.push(["read", await one.ask("read", { ids: [id] })], ["read", await one.ask("read", {})]);
    await other.receives("read");
    await seller.call("POST", "/users/logout", { refreshToken: seller.session!.refreshToken });
    await Promise.all([one.receives("closing"), other.receives("closing")]);

    const sent = [...one.events, ...other.events];
    expect(new Set(sent.map(({ event }) => event))).toEqual(new Set(Object.keys(serverEvents)));
    for (const { event, payload } of sent)
      expect([event, checker(messages()[`server.${event}`]!.payload)(payload)]).toEqual([
        event,
        [],
      ]);
    expect(acks.map(([, ack]) => (ack as { ok?: boolean }).ok)).toEqual([
      false,
      true,
      undefined,
      false,
    ]);
    for (const [event, ack] of acks) {
      const { reply } = document.operations[`client.${event as string}`]!;
      expect(
        reply!.messages.filter((message) => checker(at(message).payload)(ack).length === 0),
      ).toHaveLength(1);
    }
  });

  it("is not sent again to a client that has it", async () => {
    const { headers } = await fetch(`${market.api}/asyncapi.json`);
    const again = await fetch(`${market.api}/asyncapi.json`, {
      headers: { "if-none-match": headers.get("etag")! },
    });
    expect([headers.get("content-type"), again.status, await again.text()]).toEqual([
      "application/json; charset=utf-8",
      304,
      "",
    ]);
  });
});
