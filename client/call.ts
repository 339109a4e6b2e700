import type { HttpClient, Params, Result, RoutedAction } from "./request.ts";
import { routeOf } from "./request.ts";
import { retry } from "./retry.ts";
import type { SessionManager } from "./session/session-manager.ts";
import { isCode, notSignedIn } from "./souk-error.ts";

/** Calls the routed actions in the name of the signed-in user. Repeats reads and `market.buy` after temporary failures. */
export class ApiClient {
  readonly #http: HttpClient;
  readonly #session: SessionManager;

  constructor(http: HttpClient, session: SessionManager) {
    this.#http = http;
    this.#session = session;
  }

  call<A extends RoutedAction>(action: A, params: Params<A>): Promise<Result<A>> {
    const { method, who } = routeOf(action);
    const attempt = () =>
      who === "user"
        ? this.#asUser((token) => this.#http.call(action, params, token))
        : this.#http.call(action, params);
    return method === "GET" || action === "market.buy" ? retry(attempt) : attempt();
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
