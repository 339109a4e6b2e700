/** A JSON Schema as one reads it in TypeScript: names, types and what may be missing; patterns and bounds are in the contract itself. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** Characters of an object that still stands on one line. */
const widest = 64;

export function shape(schema: Schema, indent = ""): string {
  if ("const" in schema) return JSON.stringify(schema.const);
  const either =
    schema.enum?.map((one) => JSON.stringify(one)) ??
    schema.anyOf?.map((one) => shape(one, indent));
  if (either) return either.join(" | ");
  if (schema.type === "array") return `${grouped(shape(schema.items ?? {}, indent))}[]`;
  if (schema.type === "object") return schema.properties ? object(schema, indent) : "object";
  return schema.type ?? "unknown";
}

const grouped = (text: string) =>
  text.includes(" | ") && !text.startsWith("{") ? `(${text})` : text;

function object({ properties = {}, required = [] }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(
    ([name, of]) => `${name}${required.includes(name) ? "" : "?"}: ${shape(of, inner)}`,
  );
  const line = `{ ${fields.join(", ")} }`;
  if (line.length <= widest && !line.includes("\n")) return line;
  return `{\n${fields.map((field) => `${inner}${field},\n`).join("")}${indent}}`;
}
