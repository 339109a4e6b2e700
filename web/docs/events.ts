/** Renders the events of /asyncapi.json as a list. The document describes the server: an event that the server receives, a client sends. */
import { code, element, prose } from "./element.ts";
import { shape, type Schema } from "./shape.ts";

interface Reference {
  $ref: string;
}
interface Message {
  name: string;
  summary: string;
  payload: Schema;
}
interface Operation {
  action: "send" | "receive";
  summary: string;
  messages: Reference[];
  reply?: { messages: Reference[] };
}
export interface Document {
  servers: Record<string, { title: string; description: string }>;
  channels: Record<string, { description: string; messages: Record<string, Message> }>;
  operations: Record<string, Operation>;
  components: { securitySchemes: Record<string, { description: string }> };
}

export function renderEvents(
  target: Element,
  { servers, channels, operations, components }: Document,
): void {
  const messages = new Map(
    Object.values(channels).flatMap((channel) => Object.entries(channel.messages)),
  );
  const resolve = ({ $ref }: Reference) => messages.get($ref.split("/").at(-1)!)!;
  const all = Object.values(operations);
  const listed = (action: Operation["action"]) =>
    all.filter((one) => one.action === action).map((one) => event(one, resolve));
  const failed = messages.get("refused")!;
  target.replaceChildren(
    ...Object.values(servers).map(({ title, description }) => prose(`${title}. ${description}`)),
    ...Object.values(components.securitySchemes).map(({ description }) => prose(description)),
    ...Object.values(channels).map(({ description }) => prose(description)),
    element("h3", {}, "Events that a client sends"),
    ...listed("receive"),
    card(failed.name, failed.summary, schema("Answer", failed.payload)),
    element("h3", {}, "Events that a client receives"),
    ...listed("send"),
  );
}

function event(
  { messages, reply, summary }: Operation,
  resolve: (reference: Reference) => Message,
): Element {
  const message = resolve(messages[0]!);
  const [done] = reply?.messages.map(resolve) ?? [];
  return card(
    message.name,
    summary,
    schema("Payload", message.payload),
    ...(done ? [schema("Answer", done.payload)] : []),
  );
}

const card = (name: string, summary: string, ...schemas: Element[]) =>
  element(
    "article",
    { class: "event" },
    element("h4", {}, element("code", {}, name)),
    prose(summary),
    ...schemas,
  );

const schema = (title: string, of: Schema) =>
  element("div", { class: "schema" }, element("h5", {}, title), code(shape(of)));
