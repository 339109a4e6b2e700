import type { Config } from "../contracts/config.ts";
import { globals } from "./globals.ts";
import type { HttpClient } from "./request.ts";
import { retry } from "./retry.ts";

/** The market's /config.json. It is read once, and again only after a failure. */
export class ConfigReader {
  readonly #http: HttpClient;
  readonly #url: string;
  #config: Promise<Config> | undefined;

  constructor(http: HttpClient, url: string) {
    this.#http = http;
    this.#url = url;
  }

  read(): Promise<Config> {
    this.#config ??= retry(() => this.#http.get("/config.json") as Promise<Config>).catch(
      (error: unknown) => {
        this.#config = undefined;
        throw error;
      },
    );
    return this.#config;
  }

  /** The configured URL of the sockets, or their port on the host of the API. */
  async socketUrl(): Promise<string> {
    const { socketUrl, socketPort } = await this.read();
    if (socketUrl) return socketUrl;
    const { protocol, hostname } = new URL(this.#url || globals.location!.href);
    return `${protocol}//${hostname}:${socketPort}`;
  }
}
