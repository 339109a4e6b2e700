import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { extname, join } from "node:path";

/** What is answered as it is, whoever asks: held in memory, in each coding there is, the smallest first. */
export interface File {
  type: string;
  cacheControl: string;
  variants: Variant[];
}

interface Variant {
  /** None: as it is. Always the last. */
  coding?: "br" | "gzip";
  bytes: Buffer;
  etag: string;
}

/** What a built page may consist of. Any other file is not served. */
const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};
const codings = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/** The build names these by what is in them, as `main.B5T3aQ_x.js`: under this name it will never be another file. */
const hashed = /\.[\w-]{8,}\.\w+$/;

/** The built page's files by the path that each has, `/` and `/docs` for its two documents; none where nothing is built. Read now, and never again. */
export function filesOf(folder: string): Map<string, File> {
  if (!existsSync(folder)) return new Map();
  const below = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = new Set(below.map(({ parentPath, name }) => join(parentPath, name)));
  const served = [...paths].flatMap((path) => {
    const url = urlOf(path.slice(folder.length).replaceAll("\\", "/"));
    return url && types[extname(path)] ? [[url, read(path, paths)] as const] : [];
  });
  return new Map(served);
}

const documents: Record<string, string> = { "/index.html": "/", "/docs.html": "/docs" };
const urlOf = (name: string) => documents[name] ?? name;

function read(path: string, paths: Set<string>): File {
  const cacheControl = hashed.test(path)
    ? "public, max-age=31536000, immutable"
    : path.endsWith(".html")
      ? "no-cache"
      : "public, max-age=3600";
  const compressed = codings.filter(([, suffix]) => paths.has(path + suffix));
  return {
    type: types[extname(path)]!,
    cacheControl,
    variants: [
      ...compressed.map(([coding, suffix]) => variant(readFileSync(path + suffix), coding)),
      variant(readFileSync(path)),
    ],
  };
}

const variant = (bytes: Buffer, coding?: Variant["coding"]): Variant => ({
  ...(coding && { coding }),
  bytes,
  etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
});

/** A document made here: it changes with a release, and its tag tells whether it has. */
export const jsonFile = (value: object): File => ({
  type: "application/json; charset=utf-8",
  cacheControl: "no-cache",
  variants: [variant(Buffer.from(JSON.stringify(value)))],
});

interface Answer {
  status: 200 | 304;
  headers: OutgoingHttpHeaders;
  bytes: Buffer | undefined;
}

/** The variant that the client takes; without its bytes, if the client has them. */
export function answerOf(
  { type, cacheControl, variants }: File,
  asked: IncomingHttpHeaders,
): Answer {
  const { coding, bytes, etag } = variants.find(
    ({ coding }) => !coding || accepts(asked["accept-encoding"], coding),
  )!;
  const fixed = {
    "cache-control": cacheControl,
    etag,
    ...(variants.length > 1 && { vary: "Origin, Accept-Encoding" }),
  };
  if (knows(asked["if-none-match"], etag)) return { status: 304, headers: fixed, bytes: undefined };
  return {
    status: 200,
    headers: { ...fixed, "content-type": type, ...(coding && { "content-encoding": coding }) },
    bytes,
  };
}

const knows = (tags: string | undefined, etag: string) =>
  tags?.split(/\s*,\s*/).some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);

/** Only a coding that the client names, and not with a weight of nothing. */
const accepts = (codings: string | undefined, coding: string) =>
  codings?.split(",").some((one) => {
    const [, name, weight = "1"] = /^\s*([\w-]+)\s*(?:;\s*q=([\d.]+))?\s*$/i.exec(one) ?? [];
    return name?.toLowerCase() === coding && Number(weight) > 0;
  });
