import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeptMail } from "../../../domain/kept-mail.ts";
import type { Outcome } from "../channel.ts";
import type { MailMessage } from "./message.ts";

/** Older mails are removed. */
const maxMails = 200;

/** Writes mails to a folder instead of sending them, so that they can be seen without a mail server. */
export class MailFolder {
  readonly #path: string;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** A repeated mail replaces the first. */
  async send(message: MailMessage): Promise<Outcome> {
    const { messageId, to, subject, text, html, date } = message;
    const mail = { messageId, to: to.address, subject, text, html, sentAt: date.toISOString() };
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write(message, mail));
    await this.#writing;
    return { state: "delivered" };
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
  }

  async #write(message: MailMessage, mail: KeptMail): Promise<void> {
    // Links that verify an address are in it: only the owner may read it.
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    const name = join(this.#path, mail.messageId.slice(1, mail.messageId.indexOf("@")));
    await this.#replace(`${name}.eml`, await bytesOf(message));
    await this.#replace(`${name}.json`, JSON.stringify(mail));
    await this.#removeOld();
  }

  async #replace(path: string, content: string | Buffer): Promise<void> {
    await writeFile(`${path}.new`, content, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async #removeOld(): Promise<void> {
    const names = (await readdir(this.#path)).filter((name) => name.endsWith(".json"));
    if (names.length <= maxMails) return;
    const dated = names.map(
      async (name) => [name, (await stat(join(this.#path, name))).mtimeMs] as const,
    );
    const old = (await Promise.all(dated)).sort(([, a], [, b]) => b - a).slice(maxMails);
    for (const [name] of old)
      for (const ending of [".json", ".eml"])
        await rm(join(this.#path, name.replace(/\.json$/, ending)), { force: true });
  }
}

async function bytesOf(message: MailMessage): Promise<Buffer> {
  // eslint-disable-next-line no-restricted-syntax -- loaded on demand
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "unix" });
  const { message: bytes } = (await transport.sendMail(message as never)) as unknown as {
    message: Buffer;
  };
  return bytes;
}
