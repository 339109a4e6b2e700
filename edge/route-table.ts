import { refusal } from "../broker/refusal.ts";
import type { Request, Response } from "./node-http.ts";

/** A route of moleculer-web, as far as it is used here: either `action` or `handler` is set. */
export interface Alias {
  service: unknown;
  method: string;
  /** The path, where `:name` is a parameter and `*name` is the rest of the path. */
  fullPath: string;
  action: string | null;
  handler: ((req: Request, res: Response) => Promise<void>) | null;
}

export interface Match {
  alias: Alias;
  /** Decoded parameters of the path. */
  params: Record<string, string>;
}

/** Finds the alias of a path and method, as moleculer-web's `resolveAlias` does. */
type Resolve = (path: string, method: string) => Match | false;

/** moleculer-web's aliases, with HEAD, 405 and strict paths added. */
export class RouteTable {
  readonly #resolve: Resolve;
  readonly #methods: string[];
  readonly #literals: Set<string>;

  constructor(aliases: Alias[], resolve: Resolve) {
    this.#resolve = resolve;
    this.#methods = [...new Set(aliases.map(({ method }) => method))];
    this.#literals = new Set(
      aliases.map(({ fullPath }) => fullPath).filter((path) => !/[:*]/.test(path)),
    );
  }

  /** Throws NOT_FOUND, METHOD_NOT_ALLOWED, or BAD_DATA for a path that is not percent-encoded UTF-8. */
  match(method: string, path: string): Match {
    const found = this.#find(method === "HEAD" ? "GET" : method, path);
    if (found) return found;
    const allow = this.allowedMethods(path);
    throw allow
      ? refusal("METHOD_NOT_ALLOWED", `This path accepts ${allow}.`, { allow })
      : refusal("NOT_FOUND");
  }

  /** The methods that a path accepts, as in an Allow header; "" when the path is not in the table. */
  allowedMethods(path: string): string {
    const methods = this.#methods.filter((method) => this.#find(method, path));
    if (methods.length === 0) return "";
    return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  }

  /** Whether the path is in the table. One that is not percent-encoded UTF-8 is not. */
  has(path: string): boolean {
    try {
      return this.allowedMethods(path) !== "";
    } catch {
      return false;
    }
  }

  #find(method: string, path: string): Match | undefined {
    // moleculer-web's pattern also matches with a slash at the end.
    if (path.length > 1 && path.endsWith("/")) return undefined;
    const found = this.#decode(path, method);
    if (!found) return undefined;
    // GET /users/login is not the profile of a user with the id "login".
    const isShadowed = this.#literals.has(path) && found.alias.fullPath !== path;
    return isShadowed ? undefined : found;
  }

  #decode(path: string, method: string): Match | false {
    try {
      return this.#resolve(path, method);
    } catch {
      throw refusal("BAD_DATA", "The path is not percent-encoded UTF-8.");
    }
  }
}
