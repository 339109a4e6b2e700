/** How many messages a node publishes to RabbitMQ, counted on the way there. */
import { Proxy } from "../../test/support/proxy.ts";
import { servers } from "./servers.ts";

/** AMQP 0-9-1: a connection opens with 8 bytes, a frame is type, channel, size, payload and an end; a method's payload begins with its ids. */
const opening = 8;
const header = 7;
const methodFrame = 1;
const [basic, publish] = [60, 40];

export class Messages {
  published = 0;
  readonly url: string;
  readonly #proxy: Proxy;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;

  private constructor(url: string, proxy: Proxy) {
    [this.url, this.#proxy] = [url, proxy];
    proxy.tap("up", (chunk) => this.#read(chunk));
  }

  /** Of one connection to `url`. */
  static async counted(): Promise<Messages> {
    const url = new URL((await servers()).rabbit.url);
    const proxy = await Proxy.before(Number(url.port));
    url.port = String(proxy.port);
    return new Messages(url.href, proxy);
  }

  #read(chunk: Buffer): void {
    let data = Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen && data.length >= opening) {
      data = data.subarray(opening);
      this.#isOpen = true;
    }
    while (this.#isOpen && data.length >= header) {
      const size = data.readUInt32BE(3);
      if (data.length <= header + size) break;
      const isPublish =
        data[0] === methodFrame &&
        data.readUInt16BE(header) === basic &&
        data.readUInt16BE(header + 2) === publish;
      if (isPublish) this.published++;
      data = data.subarray(header + size + 1);
    }
    this.#rest = Buffer.from(data);
  }

  close(): Promise<void> {
    return this.#proxy.close();
  }
}
