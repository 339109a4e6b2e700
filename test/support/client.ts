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

/** A newly registered user of the client library. */
export async function newcomer(options: SoukOptions): Promise<Souk> {
  const souk = createSouk(options);
  await souk.register(newAccount());
  return souk;
}

/** Sends requests as one user, signed in or not, and returns the responses unchanged. */
export class Client {
  readonly api: string;
  session: Session | undefined;

  constructor(api: string, session?: Session) {
    this.api = api;
    this.session = session;
  }

  /** A newly registered user. */
  static async registered(api: string): Promise<Client> {
    const { body } = await new Client(api).call<Session>("POST", "/users", newAccount());
    return new Client(api, body);
  }

  get id(): string {
    return this.session!.user.id;
  }

  async call<T = Problem>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.api + path, {
      method,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(this.session && { authorization: `Bearer ${this.session.accessToken}` }),
        ...headers,
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

  /** Offers an item with an idempotency key. */
  offerOnce<T = Item>(key: string, offer: object): Promise<Answer<T>> {
    return this.call<T>("POST", "/market/items", offer, { "idempotency-key": key });
  }

  async offer(offer: object = {}): Promise<Item> {
    return (
      await this.call<Item>("POST", "/market/items", { title: "A lamp", price: 4200, ...offer })
    ).body;
  }
}
