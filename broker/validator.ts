/** Compiled checks of JSON Schemas, with messages for people, and Moleculer's validator made of them. */
import { Validators, type Middleware } from "moleculer";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import type { FieldError } from "../contracts/errors.ts";
import { isBlank, unfitCharacter } from "../contracts/visible.ts";
import { badData } from "./refusal.ts";

/** Returns the faults of a value, by field; an empty array if it is valid. */
export type Check = (value: unknown) => FieldError[];

/** A schema is compiled by its first check, because a starting node needs few of them. */
export function checker(schema: TSchema): Check {
  return (value) => {
    const validator = compiled(schema);
    return validator.Check(value)
      ? []
      : distinct(
          closestAlternatives(validator.Errors(value)[1]).flatMap((error) =>
            toFieldErrors(error, value),
          ),
        );
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

/** Of each union, the errors of the alternatives that are nearest: the caller most likely meant one of those. */
function closestAlternatives(errors: SchemaError[]): SchemaError[] {
  const byAlternative = Map.groupBy(
    errors,
    ({ schemaPath }) => /^.*?\/anyOf\/\d+/.exec(schemaPath)?.[0] ?? "",
  );
  const byUnion = Map.groupBy(byAlternative.keys(), (alternative) =>
    alternative.slice(0, alternative.lastIndexOf("/") + 1),
  );
  const distance = (alternative: string) => distanceOf(byAlternative.get(alternative)!);
  return [...byUnion.values()].flatMap((alternatives) => {
    const least = Math.min(...alternatives.map(distance));
    return alternatives
      .filter((alternative) => distance(alternative) === least)
      .flatMap((alternative) => byAlternative.get(alternative)!);
  });
}

/** A value of another type, or with other fields, is farther away than any number of wrong values. */
const distanceOf = (errors: SchemaError[]) =>
  errors.length + 1_000 * errors.filter(({ keyword }) => otherShapes.has(keyword)).length;
const otherShapes = new Set(["type", "const", "required", "additionalProperties", "boolean"]);

const noAlternative = "is none of the alternatives";
const malformed = "is malformed";

/** General faults, which say nothing where the same field has a specific one. */
const general = new Set([malformed, "must be null"]);

/** Removes duplicates and general faults. */
function distinct(problems: FieldError[]): FieldError[] {
  const precise = problems.filter(({ message }) => message !== noAlternative);
  const known = precise.length > 0 ? precise : problems;
  const specific = known.filter(({ message }) => !general.has(message));
  const fields = new Set(specific.map(({ field }) => field));
  const kept = known.filter(({ field, message }) => !general.has(message) || !fields.has(field));
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
  pattern: malformed,
  minProperties: "must change at least one field",
  anyOf: noAlternative,
};

/** Lists allowed values, and names each missing or unknown property; JSON Schema names only the object. */
function toFieldErrors(error: SchemaError, value: unknown): FieldError[] {
  const { keyword, instancePath, params, message } = error;
  const names = instancePath.split("/").slice(1);
  const path = names.map((name) => name || '""').join(".");
  const {
    requiredProperties = [],
    additionalProperties = [],
    allowedValues,
    allowedValue,
  } = params as ErrorParams;
  const allowed = allowedValues?.join(", ") ?? allowedValue;
  const named = [...requiredProperties, ...additionalProperties].map((name) => name || '""');
  return (named.length > 0 ? named : [""]).map((name) => ({
    field: [path, name].filter((part) => part !== "").join("."),
    message:
      faultOfText(keyword, valueAt(value, instancePath)) ??
      messages[keyword] ??
      (allowed === undefined ? message : `must be ${allowedValues ? "one of " : ""}${allowed}`),
  }));
}

/** What is wrong with a text that is not just malformed. */
function faultOfText(keyword: string, value: unknown): string | undefined {
  if (value === "" && keyword === "minLength") return "is empty";
  if (keyword !== "pattern" || typeof value !== "string" || !value) return undefined;
  const character = unfitCharacter(value);
  if (character) return `has a character that is not allowed: ${character}`;
  return isBlank(value) ? "has nothing visible" : undefined;
}

/** The value at a JSON Pointer. */
const valueAt = (value: unknown, pointer: string): unknown =>
  pointer
    .split("/")
    .slice(1)
    .reduce<unknown>(
      (inner, name) =>
        (inner as Record<string, unknown> | undefined)?.[
          name.replaceAll("~1", "/").replaceAll("~0", "~")
        ],
      value,
    );

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
