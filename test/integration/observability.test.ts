/** What an operator sees of an embedded market: its metrics and traces. */
import { metrics } from "../../broker/metrics/table.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";
import { metricsAt } from "../support/metrics.ts";
import { OtlpReceiver } from "../support/otlp.ts";

/** Those of RabbitMQ, and of MongoDB's driver. */
const ofClusters = /^souk_(amqp_|suspicions_total|database_connections)/;

let market: Market;
let receiver: OtlpReceiver;
/** The id of the request that bought the item. */
let requestId: string;
let url: string;
let [seller, buyer]: Client[] = [];
let itemId: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}/metrics`;
  receiver = await OtlpReceiver.start();
  market = await startMarket({
    METRICS_PORT: String(port),
    ...{ ACCESS_LOG: "1", LOG_LEVEL: "info" },
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: "100",
  });
  [seller, buyer] = await Promise.all([
    Client.registered(market.api),
    Client.registered(market.api),
  ]);
  const device = market.device(seller!.session!.accessToken);
  await device.receives("inbox");
  device.socket.on("notification", (_notice: unknown, ack: () => void) => ack());
  itemId = (await seller!.offer({ title: "A secret lamp" })).id;
  const bought = await buyer!.call("POST", `/market/buy/${itemId}`);
  requestId = bought.headers.get("x-request-id")!;
  await device.receives("notification");
  await buyer!.call("GET", "/market/items/x-unknown");
  await new Client(market.api).call("POST", "/users/login", {
    email: buyer!.session!.user.email,
    password: "x-wrong-password",
  });
  await new Client(market.api).call("PROPFIND", "/x-path?token=x-query");
  await device.ask("read", { ids: 1 });
});
afterAll(async () => {
  await market.close();
  receiver.stop();
});

const secretsOf = (...clients: Client[]) =>
  clients.flatMap(({ session }) => [
    ...[session!.user.id, session!.user.email, session!.user.name, session!.accessToken],
  ]);

it("a market exports the metrics of docs/metrics.md, with the types there, and no others", async () => {
  const expected = Object.entries(metrics)
    .filter(([name]) => !ofClusters.test(name))
    .map(([name, { type }]) => [name, type]);
  await eventually(async () =>
    expect((await metricsAt(url)).types).toEqual(Object.fromEntries(expected)),
  );
  expect((await metricsAt(url)).type).toBe("text/plain; version=0.0.4; charset=utf-8");
});

it("a sale is measured from the buy to the device that has shown it", async () => {
  const { valueOf } = await metricsAt(url);
  const service = "market";
  expect([
    valueOf("souk_sale_to_stored_seconds_count"),
    valueOf("souk_stored_to_emitted_seconds_count"),
    valueOf("souk_emitted_to_shown_seconds_bucket", { le: "60" }),
    valueOf("souk_outbox_outcomes_total", { service, outcome: "delivered" }),
    valueOf("souk_outbox_pending"),
    valueOf("souk_sockets", { authorized: "yes" }),
    valueOf("souk_deliveries_total", { channel: "mail", result: "delivered" }),
    valueOf("souk_database_operation_seconds_count", { service, operation: "insert" }) > 0,
  ]).toEqual([1, 1, 1, 1, 0, 1, 2, true]);
});

it("requests are measured by the route's template, and refusals and security events by their name", async () => {
  const { valueOf } = await metricsAt(url);
  const requests = "souk_http_request_duration_seconds_count";
  expect([
    valueOf(requests, { method: "POST", route: "/market/buy/:id", status: "2xx" }),
    valueOf(requests, { route: "/market/items/:id", status: "4xx" }),
    valueOf(requests, { method: "other", route: "none", status: "4xx" }),
    valueOf("souk_refusals_total", { edge: "http", code: "ITEM_NOT_FOUND" }),
    valueOf("souk_refusals_total", { edge: "socket", code: "BAD_DATA" }),
    valueOf("souk_security_events_total", { event: "sign_in_failed" }),
  ]).toEqual([1, 1, 1, 1, 1, 1]);
});

it("no label has an id, a path, an address, a token or a text of a user", async () => {
  const { samples, text } = await metricsAt(url);
  for (const secret of secretsOf(seller!, buyer!)) expect(text).not.toContain(secret);
  expect(text).not.toMatch(new RegExp(`${itemId}|lamp|127\\.0\\.0\\.1|x-|/x`));
  const longest = Math.max(
    ...samples.flatMap(({ labels }) => Object.values(labels)).map((it) => it.length),
  );
  expect(longest).toBeLessThan(60);
});

it("each request has one line in the log, with the route's template, status, time, request and user", async () => {
  const lines = () =>
    market
      .output()
      .split("\n")
      .filter((line) => line.includes(" ms, request "));
  const uuid = "[\\da-f-]{36}";
  const lineOf = (request: string, status: number, id: string, user: string) =>
    new RegExp(`INFO .*: ${request} status ${status} in [\\d.]+ ms, request ${id}, user ${user}$`);
  const buyerId = buyer!.session!.user.id;
  const expected = [
    lineOf("POST /market/buy/:id", 200, requestId, buyerId),
    lineOf("GET /market/items/:id", 404, uuid, "none"),
    lineOf("POST /users/login", 401, uuid, "none"),
    lineOf("other none", 404, uuid, "none"),
  ];
  await eventually(() =>
    expect(expected.map((one) => lines().filter((line) => one.test(line)).length)).toEqual([
      1, 1, 1, 1,
    ]),
  );
  expect(lines().join("\n")).not.toMatch(/x-|lamp|127\.0\.0\.1|@/);
  for (const line of lines()) expect(line).toMatch(/ status \d{3} in /);
});

it("the port serves /metrics, and nothing of the market", async () => {
  const at = (path: string, method = "GET") => fetch(new URL(path, url), { method });
  const statuses = [at("/metrics"), at("/market/items"), at("/"), at("/metrics", "POST")];
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 404, 404, 405]);
});

it("one trace has a sale from the request to the device that has shown the notice", async () => {
  await eventually(() =>
    expect(receiver.treeOf(requestId)).toEqual([
      "souk-api POST /market/buy/:id",
      "  souk-market market.buy",
      "    souk-notifications notifications.notify",
      "      souk-notifications notice stored",
      "        souk-notifications notice shown",
    ]),
  );
});

it("a refused request is a span with its code, and is no error", async () => {
  const ended = (name: string) => receiver.spans.find((span) => span.name === name);
  await eventually(() => expect(ended("GET /market/items/:id")).toBeDefined());
  const { attributes, status } = ended("GET /market/items/:id")!;
  expect(attributes).toContainEqual({
    key: "error.type",
    value: { stringValue: "ITEM_NOT_FOUND" },
  });
  expect(status?.code ?? 0).toBe(0);
});

it("no span has params, tokens, addresses, or texts of users", async () => {
  await eventually(() => expect(receiver.spans.map(({ name }) => name)).toContain("users.login"));
  for (const secret of secretsOf(seller!, buyer!)) expect(receiver.text).not.toContain(secret);
  // Without the times, whose digits are any.
  const written = receiver.spans.map(({ name, attributes }) => ({ name, attributes }));
  expect(JSON.stringify(written)).not.toMatch(
    /lamp|wrong|127\.0\.0\.1|x-unknown|x-path|x-query|4200/,
  );
  const keys = new Set(
    receiver.spans.flatMap(({ attributes }) => attributes.map(({ key }) => key)),
  );
  const known = ["error.type", "http.request.method", "http.route", "souk.caller_node"];
  expect([...keys].sort()).toEqual(known);
});
