import { abortable } from "./abort.ts";
import { newKey } from "./idempotency-key.ts";
import type { HttpClient, Params, Result, RoutedAction } from "./request.ts";
import { routeOf } from "./request.ts";
import { retry } from "./retry.ts";
import type { SessionManager } from "./session/session-manager.ts";
import { isCode, notSignedIn } from "./souk-error.ts";

export interface CallOptions {
  /**
   * Aborts the call: it rejects at once with the signal's reason, and nothing is repeated. This does not undo a write: it is unknown whether
   * the server received it.
   */
  signal?: AbortSignal | undefined;
}

/** For writes, long enough to repeat one whose answer did not arrive in time. In ms. */
const repeatWritesWithinMs = 20_000;

/** Calls the routed actions in the name of the signed-in user. Repeats those that are safe to repeat after temporary failures. */
export class ApiClient {
  readonly #http: HttpClient;
  readonly #session: SessionManager;

  constructor(http: HttpClient, session: SessionManager) {
    this.#http = http;
    this.#session = session;
  }

  call<A extends RoutedAction>(
    action: A,
    params: Params<A>,
    { signal }: CallOptions = {},
  ): Promise<Result<A>> {
    const { method, who, success } = routeOf(action);
    const isCreating = success === 201;
    // Every attempt has the same key.
    const sent = isCreating ? withKey(params) : params;
    const send = (token?: string) => this.#http.call(action, sent, { token, signal });
    const attempt = () => (who === "user" ? this.#asUser(send) : send());
    const withinMs = method === "GET" ? undefined : repeatWritesWithinMs;
    return abortable(signal, () =>
      method === "GET" || isCreating || isIdempotent(action, params)
        ? retry((failures) => unlessDone(action, failures, attempt()), { signal, withinMs })
        : attempt(),
    );
  }

  /** Renews an access token that the server refuses, and repeats the call once. */
  async #asUser<T>(call: (token: string) => Promise<T>): Promise<T> {
    const { state } = this.#session;
    const userId = state.get().user?.id;
    try {
      return await this.#attempt(call, userId);
    } catch (error) {
      if (!isCode(error, "UNAUTHENTICATED") || state.get().status !== "signedIn") throw error;
      return this.#attempt(call, userId);
    }
  }

  async #attempt<T>(call: (token: string) => Promise<T>, userId: string | undefined): Promise<T> {
    const { token } = await this.#session.access();
    // Another user may have signed in in another tab. A call must not be made in their name.
    if (userId && userId !== this.#session.state.get().user?.id)
      throw notSignedIn("Another user is signed in now.");
    return call(token).catch((error: unknown) => {
      if (isCode(error, "UNAUTHENTICATED")) this.#session.reject(token);
      throw error;
    });
  }
}

/** The params with their idempotency key, or with a new one. */
function withKey<P extends object>(params: P): P {
  const { idempotencyKey = newKey() } = params as { idempotencyKey?: string };
  return { ...params, idempotencyKey };
}

/** Whether a write without an idempotency key may be repeated. "All" notices are others when it is repeated, unless `until` names the last. */
function isIdempotent(action: RoutedAction, params: object): boolean {
  if (action === "notifications.read")
    return "ids" in params || ("until" in params && params.until !== undefined);
  return action === "market.buy" || action === "market.withdraw";
}

/** A repeated `market.withdraw` finds no item when the first one, whose answer was lost, has removed it. */
async function unlessDone<A extends RoutedAction>(
  action: A,
  failures: number,
  attempt: Promise<Result<A>>,
): Promise<Result<A>> {
  try {
    return await attempt;
  } catch (error) {
    if (action === "market.withdraw" && failures > 0 && isCode(error, "ITEM_NOT_FOUND"))
      return null as Result<A>;
    throw error;
  }
}
