/** The part of JSON Schema that the contracts use. */
export interface Shape {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  examples?: unknown[];
  description?: string;
  anyOf?: Shape[];
  items?: Shape;
  properties?: Record<string, Shape>;
  required?: string[];
  minimum?: number;
  minProperties?: number;
}

/** A value that fits the schema, for readers: made of the `examples` in the contracts. */
export function exampleOf(schema: Shape): unknown {
  if ("const" in schema) return schema.const;
  const [given] = schema.examples ?? schema.enum ?? [];
  if (given !== undefined) return given;
  if (schema.anyOf) return exampleOf(schema.anyOf[0]!);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, of]) => [name, exampleOf(of)]),
      );
    case "array":
      return [exampleOf(schema.items ?? {})];
    case "integer":
      return schema.minimum ?? 0;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "text";
  }
}
