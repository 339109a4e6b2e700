/** Renders the calls of /openapi.json. */
import { code, element, marked } from "./element.ts";
import {
  bodyOf,
  callsOf,
  needsUser,
  type Call,
  type Described,
  type OpenApi,
} from "./operation.ts";
import { shape } from "./shape.ts";
import { tryCall } from "./try.ts";

export function renderCalls(target: Element, document: OpenApi): void {
  const byTag = Map.groupBy(callsOf(document), ({ tags }) => tags[0]!);
  target.replaceChildren(
    ...[...byTag].flatMap(([tag, calls]) => [element("h3", {}, tag), ...calls.map(callElement)]),
  );
}

function callElement(call: Call): Element {
  const { method, path, operationId, summary } = call;
  const details = element(
    "details",
    { class: "call", id: operationId },
    element(
      "summary",
      {},
      element("span", { class: `method is-${method.toLowerCase()}` }, method),
      element("code", { class: "path" }, path),
      element("span", { class: "about" }, summary),
      needsUser(call) && element("span", { class: "badge" }, "needs sign-in"),
    ),
  );
  // Most calls are never opened.
  details.addEventListener("toggle", () => details.append(...contentOf(call)), { once: true });
  return details;
}

function contentOf(call: Call): Element[] {
  const rows = rowsOf(call);
  return [
    ...(rows.length > 0 ? [heading("Parameters"), table(rows)] : []),
    heading("Try it"),
    tryCall(call),
    heading("Answers"),
    ...Object.entries(call.responses).map(([status, { description, content }]) => {
      const done = content?.["application/json"];
      return element(
        "div",
        { class: "schema" },
        element("h5", {}, status),
        element(
          "div",
          {},
          element("p", {}, ...marked(description)),
          done && code(shape(done.schema)),
        ),
      );
    }),
  ];
}

const heading = (text: string) => element("h4", {}, text);

interface Row {
  name: string;
  place: string;
  isRequired: boolean;
  schema: Described;
  description: string;
}

function rowsOf(call: Call): Row[] {
  const parameters = (call.parameters ?? []).map((one) => ({
    ...{ name: one.name, place: one.in, isRequired: one.required, schema: one.schema },
    description: one.description ?? "",
  }));
  const body = bodyOf(call)?.schema;
  const alternatives = body?.anyOf ?? (body ? [body] : []);
  return [...parameters, ...alternatives.flatMap(bodyRows)];
}

const bodyRows = ({ properties = {}, required = [] }: Described): Row[] =>
  Object.entries<Described>(properties).map(([name, schema]) => ({
    ...{ name, place: "body", isRequired: required.includes(name), schema },
    description: schema.description ?? (schema.anyOf?.[0] as Described)?.description ?? "",
  }));

const table = (rows: Row[]) =>
  element(
    "dl",
    { class: "fields" },
    ...rows.map(({ name, place, isRequired, schema, description }) =>
      element(
        "div",
        {},
        element(
          "dt",
          {},
          element("code", {}, name),
          element("small", {}, `${place}${isRequired ? ", required" : ""}`),
        ),
        element(
          "dd",
          {},
          element("code", {}, shape(schema)),
          element("p", {}, ...marked(description)),
        ),
      ),
    ),
  );
