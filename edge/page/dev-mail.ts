/** Shows the mails that an embedded market without a mail server has written to files: to people at this machine only. */
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import { isLocal } from "../../broker/env/local-host.ts";
import { refusal } from "../../broker/refusal.ts";
import { checker } from "../../broker/validator.ts";
import { KeptMail, keptMailName } from "../../domain/kept-mail.ts";
import { mailHeaders } from "../headers.ts";
import type { Request, Response } from "../node-http.ts";
import { reply } from "../reply.ts";
import { escaped } from "./tags.ts";

export interface DevMailSettings {
  /** Undefined: there is none. */
  mailFolder: string | undefined;
  publicUrl: string | undefined;
  trustedProxies: number;
}

const path = "/dev/mail";
/** The newest that are listed. */
const maxListed = 50;
const checkMail = checker(KeptMail);

export function devMailRoutes({ mailFolder, publicUrl, trustedProxies }: DevMailSettings) {
  const isPublic =
    trustedProxies > 0 || (publicUrl !== undefined && !isLocal(hostIn(new URL(publicUrl).host)));
  const folderFor = (req: Request): string => {
    if (!mailFolder || isPublic || !isFromThisMachine(req)) throw refusal("NOT_FOUND");
    return mailFolder;
  };
  return {
    async list(req: Request, res: Response): Promise<void> {
      const mails = await readMails(folderFor(req));
      reply(req, res, 200, Buffer.from(listPage(mails)), headers);
    },
    async one(req: Request, res: Response): Promise<void> {
      const folder = folderFor(req);
      const name = req.url!.split("?")[0]!.slice(path.length + 1);
      const mail = keptMailName.test(name) ? await readMail(folder, `${name}.json`) : undefined;
      if (!mail) throw refusal("NOT_FOUND");
      reply(req, res, 200, Buffer.from(mail.html), headers);
    },
  };
}

const headers: OutgoingHttpHeaders = { "content-type": "text/html; charset=utf-8", ...mailHeaders };

/** Without the port and the brackets of an IPv6 address. */
const hostIn = (host: string) => host.replace(/:\d*$/, "").replace(/^\[|\]$/g, "");

/** Headers that proxies add. */
const proxyHeaders = ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host"];

/**
 * Whether a browser or a program of this machine asks for this machine: not a proxy on it, which connects from a loopback address too,
 * and not a page of another site, whose name may resolve to 127.0.0.1 (DNS rebinding).
 */
export function isFromThisMachine({
  socket,
  headers: given,
  httpVersion,
}: Pick<IncomingMessage, "socket" | "headers" | "httpVersion">): boolean {
  const peer = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  return (
    isLocal(peer) &&
    isLocal(hostIn(given.host ?? "")) &&
    // nginx asks in HTTP/1.0 and adds no header, unless it is told otherwise.
    httpVersion !== "1.0" &&
    proxyHeaders.every((name) => given[name] === undefined) &&
    !["cross-site", "same-site"].includes(String(given["sec-fetch-site"] ?? ""))
  );
}

/** The newest first. A folder that is not there has none. */
async function readMails(folder: string): Promise<(KeptMail & { name: string })[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith(".json"));
  const mails = await Promise.all(
    files.map(async (file) => {
      const mail = await readMail(folder, file);
      return mail ? [{ ...mail, name: file.replace(/\.json$/, "") }] : [];
    }),
  );
  return mails
    .flat()
    .sort((a, b) => (a.sentAt < b.sentAt ? 1 : -1))
    .slice(0, maxListed);
}

/** Undefined for a file that is no mail, or was just removed. */
async function readMail(folder: string, file: string): Promise<KeptMail | undefined> {
  try {
    const mail: unknown = JSON.parse(await readFile(join(folder, file), "utf8"));
    return checkMail(mail).length === 0 ? (mail as KeptMail) : undefined;
  } catch {
    return undefined;
  }
}

const withLinks = (text: string) =>
  escaped(text)
    .split(/(https?:\/\/[^\s<>&]+)/)
    .map((part, n) => (n % 2 ? `<a href="${part}">${part}</a>` : part))
    .join("");

const listPage = (mails: (KeptMail & { name: string })[]) =>
  [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mails</title></head>',
    '<body style="font-family:sans-serif;max-width:48em;margin:2em auto;line-height:1.5">',
    `<h1>Mails</h1><p>This market has no mail server (SMTP_URL). Its mails are written to DATA_DIR/mail, and shown to this machine only.</p>`,
    ...(mails.length > 0 ? mails.map(article) : ["<p>There are no mails yet.</p>"]),
    "</body></html>\n",
  ].join("\n");

const article = ({ name, to, subject, sentAt, text }: KeptMail & { name: string }) =>
  `<article style="border-top:1px solid #aaa"><h2>${escaped(subject)}</h2><p>To ${escaped(to)}, ${escaped(sentAt)}, <a href="${path}/${escaped(name)}">as HTML</a></p>
${text.split("\n").map(withLinks).join("<br>\n")}</article>`;
