import { randomUUID } from "node:crypto";
import { createSouk, type Souk, type SoukOptions } from "../../client/index.ts";
import type { Problem } from "../../contracts/errors.ts";
import type { Item } from "../../contracts/market.ts";
import type { Session } from "../../contracts/users.ts";

export interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

export const password = "correct horse battery";

export function newAccount() {
  const name = `user-${randomUUID()}`;
  return { email: `${name}@souk.test`, password, name };
}

/** Somebody new, as users are: for tests that need no more of them. */
export async function newcomer(options: SoukOptions): Promise<Souk> {
  const souk = createSouk(options);
  await souk.register(newAccount());
  return souk;
}

/** A user of the HTTP interface, signed in or not, whose requests are sent as they stand and whose answers are seen as they came. */
export class Client {
  readonly api: string;
  session: Session | undefined;

  constructor(api: string, session?: Session) {
    this.api = api;
    this.session = session;
  }

  /** Somebody new. */
  static async registered(api: string): Promise<Client> {
    const { body } = await new Client(api).call<Session>("POST", "/users", newAccount());
    return new Client(api, body);
  }

  get id(): string {
    return this.session!.user.id;
  }

  async call<T = Problem>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(this.api + path, {
      method,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(this.session && { authorization: `Bearer ${this.session.accessToken}` }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text ? JSON.parse(text) : undefined) as T,
      headers: response.headers,
    };
  }

  async offer(offer: object = {}): Promise<Item> {
    return (
      await this.call<Item>("POST", "/market/items", { title: "A lamp", price: 4200, ...offer })
    ).body;
  }
}
