/** The order in which a node tries the RabbitMQ nodes: at random, and after a loss another one first. */
import { splitAmqpUrls } from "../env/amqp-urls.ts";

/** A host that failed is not tried for this time while another one is left (ms). */
const AVOIDED = 10_000;

export class Hosts {
  /** In the order of the next attempts. */
  #urls: string[];
  readonly #failedAt = new Map<string, number>();
  readonly #now: () => number;

  /** `urls` as in AMQP_URL. */
  constructor(urls: string, random = Math.random, now: () => number = () => performance.now()) {
    this.#now = now;
    const keyed = splitAmqpUrls(urls).map((url) => ({ url, key: random() }));
    this.#urls = keyed.sort((a, b) => a.key - b.key).map(({ url }) => url);
  }

  get count(): number {
    return this.#urls.length;
  }

  /** The URL to try now. */
  next(): string {
    const now = this.#now();
    const isAvoided = (url: string) => now - (this.#failedAt.get(url) ?? -Infinity) < AVOIDED;
    const url = this.#urls.find((url) => !isAvoided(url)) ?? this.#urls[0] ?? "";
    this.#urls = [...this.others(url), url];
    return url;
  }

  /** A connection to the host was lost or impossible. A frozen host would cost each attempt its whole time. */
  failed(url: string): void {
    this.#failedAt.set(url, this.#now());
  }

  others(url: string): string[] {
    return this.#urls.filter((other) => other !== url);
  }
}
