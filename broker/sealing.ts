/**
 * Encrypts the params and the answer of secret actions between nodes (docs/decisions/022). RabbitMQ writes long
 * queues to disk; passwords and tokens are not readable there. Calls inside a process are not encrypted.
 */
import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import { actions, type ActionName } from "../contracts/actions.ts";
import type { Meta } from "./context.ts";
import type { Keys } from "./keys.ts";
import { refusal } from "./refusal.ts";
import { nodeKey } from "./node-key.ts";
import { opener, sealer, sealerTo, type Sealed } from "./sealed-box.ts";

type Ctx = Context<unknown, Meta>;
type Handler = (ctx: Ctx) => Promise<unknown>;
/** What the handling node announces: true, it opens with the signing key; otherwise the public key of that node. Moleculer's type does not know it. */
type Announced = ActionSchema & { sealed?: boolean | string };
type Wrap = (next: Handler, action: Announced) => Handler;
type PlainError = Record<string, unknown>;

/** What the handling node answers: its key id, and the encrypted `{result}` or `{error}`. */
interface SealedAnswer {
  kid: string;
  box: string;
}
interface Outcome {
  result?: unknown;
  error?: PlainError;
}

/** Moleculer's conversion of errors for the wire. It does not declare the broker's member. */
interface WithRegenerator {
  errorRegenerator: {
    extractPlainError(error: unknown, payload: object): PlainError;
    restore(error: PlainError, payload: object): Error;
  };
}
const regenerator = ({ broker }: Ctx) => (broker as unknown as WithRegenerator).errorRegenerator;

/** A message that is moved to another action, request or user does not open. */
const contextOf = ({ id, meta }: Ctx, name: ActionName) =>
  JSON.stringify([name, id, meta.user?.id ?? null]);

/** The middleware of a node with these keys. */
export function sealing(keys: Pick<Keys, "public" | "private">): Middleware {
  let warn = (_line: string) => {};
  const said = new Set<string>();
  /** Each line once in the life of a process: a cause affects every call. */
  const warnOnce = (line: string) => {
    if (!said.has(line)) warn(line);
    said.add(line);
  };
  const middleware = {
    name: "Sealing",
    remoteAction: sealCalls(keys.public, warnOnce),
    created(broker: ServiceBroker) {
      warn = (line) => broker.logger.warn(line);
      // Outside of Moleculer's own middlewares, which check the params.
      const localAction = openCalls(keys.private, warnOnce);
      broker.middlewares.add({ localAction } as unknown as Middleware);
    },
  };
  // The cast: Moleculer's types do not know the definition that a hook gets.
  return middleware as unknown as Middleware;
}

/** Seals calls to other nodes, for nodes that announce that they open them. Those of version 0.1.0 do not. */
function sealCalls(publicKeys: Keys["public"], warnOnce: (line: string) => void): Wrap {
  const sealForUsers = publicKeys.length > 0 ? sealer(publicKeys) : undefined;
  return (next, action) => {
    const name = action.name as ActionName;
    if (!isSecret(name)) return next;
    const { sealed: to } = action;
    const seal = typeof to === "string" ? sealerTo([{ kid: to, to }]) : sealForUsers;
    return async (ctx) => {
      if (!to) {
        warnOnce(`A node of version 0.1.0 handles ${name}. Calls to it are not encrypted.`);
        return next(ctx);
      }
      if (!seal)
        throw refusal(
          "UNAVAILABLE",
          `Set AUTH_JWKS on this node: ${name} carries secrets, which are encrypted with it.`,
        );
      const { params } = ctx;
      const context = contextOf(ctx, name);
      const { sealed, answerOf } = seal(JSON.stringify(params), context);
      ctx.params = sealed;
      try {
        return openAnswer(ctx, answerOf, (await next(ctx)) as SealedAnswer, context);
      } finally {
        ctx.params = params;
      }
    };
  };
}

function openAnswer(
  ctx: Ctx,
  answerOf: ReturnType<ReturnType<typeof sealer>>["answerOf"],
  { kid, box }: SealedAnswer,
  context: string,
): unknown {
  const text = answerOf(kid)?.decrypt(box, context);
  if (text === undefined) throw refusal("UNAVAILABLE", "The answer is encrypted with another key.");
  const { result, error } = JSON.parse(text) as Outcome;
  if (error) throw regenerator(ctx).restore(error, {});
  return result;
}

/** Opens the calls of other nodes, and seals their answers. A call that is not sealed is answered as it came. */
function openCalls(privateKey: Keys["private"], warnOnce: (line: string) => void): Wrap {
  const openAsUsers = privateKey && opener(privateKey);
  return (next, action) => {
    const name = action.name as ActionName;
    if (!isSecret(name)) return next;
    const open = typeof action.sealed === "string" ? nodeKey().open : openAsUsers;
    return async (ctx) => {
      if (ctx.nodeID === ctx.broker.nodeID) return next(ctx);
      if (!isSealed(ctx.params)) {
        warnOnce(`Node ${ctx.nodeID} calls ${name} without encryption.`);
        return next(ctx);
      }
      const context = contextOf(ctx, name);
      const opened = openParams(() => open?.(ctx.params as Sealed, context));
      if (!opened) {
        warnOnce(
          `A call of node ${ctx.nodeID} cannot be decrypted. Its AUTH_JWKS must contain the public key of AUTH_PRIVATE_JWK.`,
        );
        throw refusal("UNAVAILABLE");
      }
      ctx.params = JSON.parse(opened.text);
      const box = opened.answer.encrypt(JSON.stringify(await outcomeOf(next, ctx)), context);
      return { kid: opened.kid, box } satisfies SealedAnswer;
    };
  };
}

/** Null for a message that was changed, or that belongs to another request. */
function openParams<T>(open: () => T): T | null {
  try {
    return open();
  } catch {
    return null;
  }
}

async function outcomeOf(next: Handler, ctx: Ctx): Promise<Outcome> {
  try {
    return { result: await next(ctx) };
  } catch (error) {
    return { error: regenerator(ctx).extractPlainError(error, {}) };
  }
}

const isSecret = (name: ActionName) => name in actions && "secret" in actions[name];
const isSealed = (params: unknown): params is Sealed =>
  typeof (params as Partial<Sealed> | null)?.from === "string" &&
  typeof (params as Partial<Sealed>).boxes === "object";
