import type { TSchema } from "typebox";

/** The parts of a JSON Schema that matter here. */
interface JsonSchema {
  type?: string;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  anyOf?: JsonSchema[];
}

/**
 * A JSON Schema of params as Moleculer's tools show params: by name, in the shorthand of fastest-validator, for
 * example `{ id: "string", price: "integer|optional" }`. For reading only; the validator uses the schema itself.
 */
export function paramsDoc(params: TSchema): Record<string, string> {
  const schema = params as JsonSchema;
  if (schema.anyOf) return Object.assign({}, ...schema.anyOf.map(optionalDoc));
  const required = new Set(schema.required);
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, { type, enum: values }]) => {
      const shown = type ?? (values ? "enum" : "any");
      return [name, required.has(name) ? shown : `${shown}|optional`];
    }),
  );
}

/** The params of one alternative: each of them may be absent. */
const optionalDoc = (alternative: JsonSchema) =>
  paramsDoc({ ...alternative, required: [] } as TSchema);
