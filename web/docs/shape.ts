/** The part of JSON Schema that `shape()` shows. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** Longer objects, in characters, are split into lines. */
const maxLine = 64;

/** Formats a JSON Schema like a TypeScript type: names, types and optional properties, without patterns and bounds. */
export function shape(schema: Schema, indent = ""): string {
  if ("const" in schema) return JSON.stringify(schema.const);
  const alternatives =
    schema.enum?.map((one) => JSON.stringify(one)) ??
    schema.anyOf?.map((one) => shape(one, indent));
  if (alternatives) return alternatives.join(" | ");
  if (schema.type === "array") return `${parenthesized(shape(schema.items ?? {}, indent))}[]`;
  if (schema.type === "object") return schema.properties ? object(schema, indent) : "object";
  return schema.type ?? "unknown";
}

const parenthesized = (text: string) =>
  text.includes(" | ") && !text.startsWith("{") ? `(${text})` : text;

function object({ properties = {}, required = [] }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(
    ([name, of]) => `${name}${required.includes(name) ? "" : "?"}: ${shape(of, inner)}`,
  );
  const line = `{ ${fields.join(", ")} }`;
  if (line.length <= maxLine && !line.includes("\n")) return line;
  return `{\n${fields.map((field) => `${inner}${field},\n`).join("")}${indent}}`;
}
