/** Compiled checks of JSON Schemas, with messages for people, and Moleculer's validator made of them. */
import { Validators, type Middleware } from "moleculer";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import type { FieldError } from "../contracts/errors.ts";
import { badData } from "./refusal.ts";

/** Returns the faults of a value, by field; an empty array if it is valid. */
export type Check = (value: unknown) => FieldError[];

/** A schema is compiled by its first check, because a starting node needs few of them. */
export function checker(schema: TSchema): Check {
  return (value) => {
    const validator = compiled(schema);
    return validator.Check(value)
      ? []
      : distinct(closestAlternatives(validator.Errors(value)[1]).flatMap(toFieldErrors));
  };
}

const validators = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** The gateway and the service that it calls share the compiled schema of an action. */
function compiled(schema: TSchema) {
  const known = validators.get(schema);
  if (known) return known;
  const validator = Compile(schema);
  validators.set(schema, validator);
  return validator;
}

interface SchemaError {
  keyword: string;
  schemaPath: string;
  instancePath: string;
  params: object;
  message: string;
}

/** Of each union, the errors of the alternatives with the fewest: the caller most likely meant one of those. */
function closestAlternatives(errors: SchemaError[]): SchemaError[] {
  const byAlternative = Map.groupBy(
    errors,
    ({ schemaPath }) => /^.*?\/anyOf\/\d+/.exec(schemaPath)?.[0] ?? "",
  );
  const byUnion = Map.groupBy(byAlternative.keys(), (alternative) =>
    alternative.slice(0, alternative.lastIndexOf("/") + 1),
  );
  const count = (alternative: string) => byAlternative.get(alternative)!.length;
  return [...byUnion.values()].flatMap((alternatives) => {
    const fewest = Math.min(...alternatives.map(count));
    return alternatives
      .filter((alternative) => count(alternative) === fewest)
      .flatMap((alternative) => byAlternative.get(alternative)!);
  });
}

const noAlternative = "is none of the alternatives";

/** Removes duplicates, and the general message about a union where there is a specific one. */
function distinct(problems: FieldError[]): FieldError[] {
  const specific = problems.filter(({ message }) => message !== noAlternative);
  const kept = specific.length > 0 ? specific : problems;
  return [...new Map(kept.map((problem) => [problem.field + problem.message, problem])).values()];
}

/** The `params` of an error, by keyword: `required`, `additionalProperties`, `enum`, `const`. */
interface ErrorParams {
  requiredProperties?: string[];
  additionalProperties?: string[];
  allowedValues?: string[];
  allowedValue?: string | boolean;
}

/** Messages that replace those of JSON Schema, which show patterns or mention schemas. */
const messages: Record<string, string> = {
  required: "is missing",
  additionalProperties: "is not an accepted field",
  boolean: "is not an accepted field",
  pattern: "is malformed",
  minProperties: "must change at least one field",
  anyOf: noAlternative,
};

/** Lists allowed values, and names each missing or unknown property; JSON Schema names only the object. */
function toFieldErrors({ keyword, instancePath, params, message }: SchemaError): FieldError[] {
  const path = instancePath.slice(1).replaceAll("/", ".");
  const {
    requiredProperties = [],
    additionalProperties = [],
    allowedValues,
    allowedValue,
  } = params as ErrorParams;
  const allowed = allowedValues?.join(", ") ?? allowedValue;
  const named = [...requiredProperties, ...additionalProperties];
  return (named.length > 0 ? named : [""]).map((name) => ({
    field: [path, name].filter(Boolean).join("."),
    message:
      messages[keyword] ??
      (allowed === undefined ? message : `must be ${allowedValues ? "one of " : ""}${allowed}`),
  }));
}

type Handler = (ctx: { params: unknown }) => Promise<unknown>;
/** `schema` is a contract's JSON Schema. Without it, `params` itself is one. */
type Wrap = (handler: Handler, definition: { schema?: TSchema; params?: TSchema }) => Handler;

/** Moleculer's validator. Schemas are JSON Schemas. */
export class SchemaValidator extends Validators.Base {
  override middleware(): Middleware {
    const checked: Wrap = (handler, { params, schema = params }) => {
      if (!schema) return handler;
      const check = checker(schema);
      return (ctx) => {
        const problems = check(ctx.params ?? {});
        return problems.length > 0 ? Promise.reject(badData(problems)) : handler(ctx);
      };
    };
    // The cast: Moleculer's types do not know that a definition may have a `schema`.
    return {
      name: "Validator",
      localAction: checked,
      localEvent: checked,
    } as unknown as Middleware;
  }

  /** The cast: Moleculer declares the result as fastest-validator's check function. */
  override compile(schema: unknown): never {
    return checker(schema as TSchema) as never;
  }

  override validate(params: object, schema: object): boolean {
    const problems = checker(schema as TSchema)(params);
    if (problems.length > 0) throw badData(problems);
    return true;
  }

  override convertSchemaToMoleculer(schema: object): object {
    return schema;
  }
}
