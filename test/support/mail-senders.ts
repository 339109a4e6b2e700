/** Processes that send mails (test/support/mail-node.ts). */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const program = join(import.meta.dirname, "mail-node.ts");

export class Senders {
  readonly #children: ChildProcess[] = [];

  /** Over the files in `dataDir`, to the mail server at `url`. */
  async start(url: string, dataDir: string, more: object = {}): Promise<ChildProcess> {
    const env = {
      ...{ PATH: process.env.PATH, DATA_DIR: dataDir, SMTP_URL: url, LOG_LEVEL: "error" },
      ...{ MAIL_FROM: "Souk <noreply@souk.example>", PUBLIC_URL: "https://souk.example" },
      ...more,
    };
    const child = fork(program, { env, execArgv: [] });
    this.#children.push(child);
    await once(child, "message");
    return child;
  }

  kill(): void {
    for (const child of this.#children.splice(0)) child.kill("SIGKILL");
  }
}

/** With an id: a sale was accepted for delivery. Without: nothing is due. */
export async function ask(child: ChildProcess, message: { id?: string }): Promise<void> {
  const answered = once(child, "message");
  child.send(message);
  await answered;
}
