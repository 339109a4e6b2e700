/** A mail as mailpit reads it, which is a mail server of others. */
import { spawn, type ChildProcess } from "node:child_process";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { ask, Senders } from "../support/mail-senders.ts";

const senders = new Senders();
const folder = temporaryFolder();
let mailpit: ChildProcess | undefined;
afterAll(() => {
  senders.kill();
  mailpit?.kill();
  folder.remove();
});

interface Shown {
  From: { Name: string; Address: string };
  To: { Address: string }[];
  Subject: string;
  Text: string;
  HTML: string;
  MessageID: string;
  ListUnsubscribe: { Header: string; HeaderPost: string; Links: string[]; Errors: string };
}

it("mailpit reads sender, recipient, both texts and one-click unsubscription of a mail", async () => {
  const { MAILPIT } = process.env;
  if (!MAILPIT)
    throw new Error(
      "Set MAILPIT to the program mailpit: go install github.com/axllent/mailpit@v1.33.1",
    );
  const [smtp, http] = [await freePort(), await freePort()];
  const listen = ["--smtp", `127.0.0.1:${smtp}`, "--listen", `127.0.0.1:${http}`];
  mailpit = spawn(MAILPIT, [...listen, "--quiet", "--disable-version-check"]);
  const read = async <T>(path: string) =>
    (await (await fetch(`http://127.0.0.1:${http}/api/v1${path}`)).json()) as T;
  await eventually(() => read("/info"), { within: 30_000 });
  const child = await senders.start(`smtp://127.0.0.1:${smtp}`, folder.path);

  await ask(child, { id: "ann" });

  const mail = await eventually(
    async () => {
      const { messages } = await read<{ messages: { ID: string }[] }>("/messages");
      return read<Shown>(`/message/${messages[0]!.ID}`);
    },
    { within: 30_000 },
  );
  expect(mail).toMatchObject({
    From: { Name: "Souk", Address: "noreply@souk.example" },
    To: [{ Address: "ann@souk.test" }],
    Subject: "Sold: Lamp ann",
    ListUnsubscribe: {
      Header: "<https://souk.example/notifications/unsubscribe/token>",
      HeaderPost: "List-Unsubscribe=One-Click",
      Links: ["https://souk.example/notifications/unsubscribe/token"],
      Errors: "",
    },
  });
  expect(mail.Text).toContain("Your item “Lamp ann” was sold for €42.00.");
  expect(mail.HTML).toContain("Your item “Lamp ann” was sold for €42.00.");
}, 120_000);
