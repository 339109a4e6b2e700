import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { extname, join } from "node:path";

/** A file in memory, in each of its encodings, the smallest first. */
export interface StaticFile {
  type: string;
  cacheControl: string;
  variants: Variant[];
}

interface Variant {
  /** Undefined for the last variant, which is not compressed. */
  encoding?: "br" | "gzip";
  bytes: Buffer;
  etag: string;
}

/** File types of a built page. Files of other types are not served. */
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
const encodings = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/** The build puts a hash of the content into these names, as in `main.B5T3aQ_x.js`, so the content never changes. */
const hashed = /\.[\w-]{8,}\.\w+$/;

/**
 * Reads the files of the built page once, by URL path; none when the page was not built. Requests are
 * looked up in this map, so no path of a client reaches the file system. docs/decisions/012 says why this
 * is not sirv.
 */
export function loadFiles(folder: string): Map<string, StaticFile> {
  if (!existsSync(folder)) return new Map();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = new Set(entries.map(({ parentPath, name }) => join(parentPath, name)));
  const files = [...paths].flatMap((path) => {
    const url = urlOf(path.slice(folder.length).replaceAll("\\", "/"));
    return url && types[extname(path)] ? [[url, read(path, paths)] as const] : [];
  });
  return new Map(files);
}

const documents: Record<string, string> = { "/index.html": "/", "/docs.html": "/docs" };
const urlOf = (name: string) => documents[name] ?? name;

function read(path: string, paths: Set<string>): StaticFile {
  const cacheControl = hashed.test(path)
    ? "public, max-age=31536000, immutable"
    : path.endsWith(".html")
      ? "no-cache"
      : "public, max-age=3600";
  const compressed = encodings.filter(([, suffix]) => paths.has(path + suffix));
  return {
    type: types[extname(path)]!,
    cacheControl,
    variants: [
      ...compressed.map(([encoding, suffix]) => variant(readFileSync(path + suffix), encoding)),
      variant(readFileSync(path)),
    ],
  };
}

const variant = (bytes: Buffer, encoding?: Variant["encoding"]): Variant => ({
  ...(encoding && { encoding }),
  bytes,
  etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
});

/** A generated document. It changes only with a release. */
export const jsonFile = (value: object): StaticFile => ({
  type: "application/json; charset=utf-8",
  cacheControl: "no-cache",
  variants: [variant(Buffer.from(JSON.stringify(value)))],
});

/** A text that was made for one response. */
export const textFile = (type: string, text: string, cacheControl: string): StaticFile => ({
  ...{ type, cacheControl },
  variants: [variant(Buffer.from(text))],
});

interface Selection {
  status: 200 | 304;
  headers: OutgoingHttpHeaders;
  bytes: Buffer | undefined;
}

/** Selects the smallest variant that the client accepts; 304 without its bytes when the client has it. */
export function selectVariant(
  { type, cacheControl, variants }: StaticFile,
  requested: IncomingHttpHeaders,
): Selection {
  const { encoding, bytes, etag } = variants.find(
    ({ encoding }) => !encoding || accepts(requested["accept-encoding"], encoding),
  )!;
  const fixed = {
    "cache-control": cacheControl,
    etag,
    ...(variants.length > 1 && { vary: "Origin, Accept-Encoding" }),
  };
  if (isCurrent(requested["if-none-match"], etag))
    return { status: 304, headers: fixed, bytes: undefined };
  return {
    status: 200,
    headers: { ...fixed, "content-type": type, ...(encoding && { "content-encoding": encoding }) },
    bytes,
  };
}

const isCurrent = (tags: string | undefined, etag: string) =>
  tags?.split(",").some((one) => {
    const tag = one.trim();
    return tag === "*" || (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });

/** Only an encoding that the client names, with a weight above 0. */
const accepts = (accepted: string | undefined, encoding: string) =>
  accepted?.split(",").some((one) => {
    const [name = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    return name === encoding && parameters.every((parameter) => weightOf(parameter) > 0);
  });

/** The value of `q=0.5`; NaN for another parameter. */
const weightOf = (parameter: string) =>
  parameter.startsWith("q=") && parameter.length > 2 ? Number(parameter.slice(2)) : NaN;
