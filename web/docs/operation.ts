/** The part of /openapi.json that this page shows. */
import type { Schema } from "./shape.ts";

export interface Described extends Schema {
  description?: string;
}
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  example: unknown;
  schema: Described;
}
interface Content {
  schema: Described & { properties?: Record<string, Described>; anyOf?: Described[] };
  example?: unknown;
}
export interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: object[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: { "application/json": Content } };
  responses: Record<string, { description: string; content?: Record<string, Content> }>;
}
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}

/** One operation with its place. */
export interface Call extends Operation {
  method: string;
  path: string;
}

export const callsOf = ({ paths }: OpenApi): Call[] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );

export const needsUser = ({ security }: Operation) => security.length > 0;
export const bodyOf = ({ requestBody }: Operation) => requestBody?.content["application/json"];
