import { Validators, type Middleware } from "moleculer";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import type { FieldError } from "../contracts/errors.ts";
import { badData } from "./refusal.ts";

/** What is wrong with a value, in the fields' own names; nothing if it fits. */
export type Check = (value: unknown) => FieldError[];

/** Compiles a schema once, for many checks. */
export function checker(schema: TSchema): Check {
  const compiled = Compile(schema);
  return (value) =>
    compiled.Check(value) ? [] : distinct(nearest(compiled.Errors(value)[1]).flatMap(readable));
}

/** Of alternatives, the faults of those that fit best: the others would say of what was meant that it is not known. */
function nearest(errors: SchemaError[]): SchemaError[] {
  const byAlternative = Map.groupBy(
    errors,
    ({ schemaPath }) => /^.*?\/anyOf\/\d+/.exec(schemaPath)?.[0] ?? "",
  );
  const byUnion = Map.groupBy(byAlternative.keys(), (alternative) =>
    alternative.replace(/\d+$/, ""),
  );
  const faults = (alternative: string) => byAlternative.get(alternative)!.length;
  return [...byUnion.values()].flatMap((alternatives) => {
    const fewest = Math.min(...alternatives.map(faults));
    return alternatives
      .filter((alternative) => faults(alternative) === fewest)
      .flatMap((alternative) => byAlternative.get(alternative)!);
  });
}

/** Each fault once, and "none of the alternatives" only where nothing better can be said. */
function distinct(problems: FieldError[]): FieldError[] {
  const telling = problems.filter(({ message }) => message !== noAlternative);
  const told = new Map(
    (telling.length > 0 ? telling : problems).map((problem) => [
      problem.field + problem.message,
      problem,
    ]),
  );
  return [...told.values()];
}

const noAlternative = "is none of the alternatives";

interface SchemaError {
  keyword: string;
  schemaPath: string;
  instancePath: string;
  params: object;
  message: string;
}

/** What an error says of itself, by its keyword: `required`, `additionalProperties`, `enum`, `const`. */
interface Params {
  requiredProperties?: string[];
  additionalProperties?: string[];
  allowedValues?: string[];
  allowedValue?: string | boolean;
}

/** In place of JSON Schema's own words, where those show a pattern or speak of schemas. */
const messages: Record<string, string> = {
  required: "is missing",
  additionalProperties: "is not known here",
  boolean: "is not known here",
  pattern: "is malformed",
  minProperties: "says nothing to change",
  anyOf: noAlternative,
};

/** Names what may be chosen; and each missing or unknown property itself, where JSON Schema names the object that holds them. */
function readable({ keyword, instancePath, params, message }: SchemaError): FieldError[] {
  const path = instancePath.slice(1).replaceAll("/", ".");
  const {
    requiredProperties = [],
    additionalProperties = [],
    allowedValues,
    allowedValue,
  } = params as Params;
  const allowed = allowedValues?.join(", ") ?? allowedValue;
  const named = [...requiredProperties, ...additionalProperties];
  return (named.length > 0 ? named : [""]).map((name) => ({
    field: [path, name].filter(Boolean).join("."),
    message:
      messages[keyword] ??
      (allowed === undefined ? message : `must be ${allowedValues ? "one of " : ""}${allowed}`),
  }));
}

/** Moleculer's validator: the `params` of an action or an event are a JSON Schema, compiled once when the service is created. */
export class SchemaValidator extends Validators.Base {
  override middleware(): Middleware {
    const checked: Wrap = (handler, { params }) => {
      if (!params) return handler;
      const check = checker(params as TSchema);
      return (ctx) => {
        const problems = check(ctx.params ?? {});
        return problems.length > 0 ? Promise.reject(badData(problems)) : handler(ctx);
      };
    };
    return {
      name: "Validator",
      localAction: checked,
      localEvent: checked,
    } as unknown as Middleware;
  }

  /** For `broker.validator`, which checks outside of calls; its declared type is that of another library's checker. */
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

type Handler = (ctx: { params: unknown }) => Promise<unknown>;
type Wrap = (handler: Handler, of: { params?: unknown }) => Handler;
