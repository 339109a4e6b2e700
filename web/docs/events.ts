/** The events of /asyncapi.json as a list that one can read at a glance. It describes the server: what that receives, a client sends. */
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

export function drawEvents(
  into: Element,
  { servers, channels, operations, components }: Document,
): void {
  const messages = new Map(
    Object.values(channels).flatMap((channel) => Object.entries(channel.messages)),
  );
  const at = ({ $ref }: Reference) => messages.get($ref.split("/").at(-1)!)!;
  const all = Object.values(operations);
  const listed = (action: Operation["action"]) =>
    all.filter((one) => one.action === action).map((one) => event(one, at));
  const failed = messages.get("refused")!;
  into.replaceChildren(
    ...Object.values(servers).map(({ title, description }) => prose(`${title}. ${description}`)),
    ...Object.values(components.securitySchemes).map(({ description }) => prose(description)),
    ...Object.values(channels).map(({ description }) => prose(description)),
    element("h3", {}, "What a client sends"),
    ...listed("receive"),
    card(failed.name, failed.summary, schema("Answer", failed.payload)),
    element("h3", {}, "What a client hears"),
    ...listed("send"),
  );
}

function event(
  { messages, reply, summary }: Operation,
  at: (reference: Reference) => Message,
): Element {
  const message = at(messages[0]!);
  const [done] = reply?.messages.map(at) ?? [];
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
  element(
    "div",
    { class: "schema" },
    element("h5", {}, title),
    element("pre", { tabindex: "0" }, element("code", {}, shape(of))),
  );

/** Between backticks is code. */
const prose = (text: string) =>
  element(
    "p",
    {},
    ...text.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part)),
  );

function element(
  name: string,
  attributes: Record<string, string>,
  ...children: (Element | string)[]
): Element {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
