/** Counts the messages that a node publishes to RabbitMQ, by parsing its connection in a proxy. */
import { Proxy } from "../../test/support/proxy.ts";
import { servers } from "./servers.ts";

/** AMQP 0-9-1: the connection starts with 8 bytes. A frame is type, channel, size, payload and end; a method payload starts with its ids. */
const protocolHeader = 8;
const frameHeader = 7;
const methodFrame = 1;
const [basicClass, publishMethod] = [60, 40];

export class PublishCounter {
  published = 0;
  readonly url: string;
  readonly #proxy: Proxy;
  #rest: Buffer = Buffer.alloc(0);
  #hasHeader = false;

  private constructor(url: string, proxy: Proxy) {
    [this.url, this.#proxy] = [url, proxy];
    proxy.tap("up", (chunk) => this.#read(chunk));
  }

  /** Counts for one connection, which must use `url`. */
  static async start(): Promise<PublishCounter> {
    const url = new URL((await servers()).rabbit.url);
    const proxy = await Proxy.before(Number(url.port));
    url.port = String(proxy.port);
    return new PublishCounter(url.href, proxy);
  }

  #read(chunk: Buffer): void {
    let data = Buffer.concat([this.#rest, chunk]);
    if (!this.#hasHeader && data.length >= protocolHeader) {
      data = data.subarray(protocolHeader);
      this.#hasHeader = true;
    }
    while (this.#hasHeader && data.length >= frameHeader) {
      const size = data.readUInt32BE(3);
      if (data.length <= frameHeader + size) break;
      const isPublish =
        data[0] === methodFrame &&
        data.readUInt16BE(frameHeader) === basicClass &&
        data.readUInt16BE(frameHeader + 2) === publishMethod;
      if (isPublish) this.published++;
      data = data.subarray(frameHeader + size + 1);
    }
    this.#rest = Buffer.from(data);
  }

  close(): Promise<void> {
    return this.#proxy.close();
  }
}
