/** The order in which a node tries the RabbitMQ nodes: at random, and after a loss another one first. */
import { splitAmqpUrls } from "../env/urls.ts";

export class Hosts {
  readonly #urls: string[];
  #tried = 0;

  /** `urls` as in AMQP_URL. */
  constructor(urls: string, random: () => number = Math.random) {
    const keyed = splitAmqpUrls(urls).map((url) => ({ url, key: random() }));
    this.#urls = keyed.sort((a, b) => a.key - b.key).map(({ url }) => url);
  }

  get count(): number {
    return this.#urls.length;
  }

  /** The URL to try now. */
  next(): string {
    return this.#urls[this.#tried++ % this.count] ?? "";
  }
}
