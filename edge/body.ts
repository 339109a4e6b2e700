import type { IncomingMessage } from "node:http";
import { refusal } from "../broker/refusal.ts";
import { bodyLimit } from "../contracts/routes.ts";

/** Milliseconds from the end of the headers within which the body must be complete: time is left to answer within 10 s. */
const bodyWithin = 8_000;

const json = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The object in a request's body, {} if there is none. Throws BAD_DATA or TOO_LARGE, without reading more than the limit. */
export async function bodyOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const {
    "content-length": length,
    "transfer-encoding": chunked,
    "content-encoding": encoding = "identity",
  } = req.headers;
  if (!chunked && !Number(length)) return {};
  if (Number(length) > bodyLimit) throw tooLarge();
  const bytes = await read(req);
  if (bytes.length === 0) return {};
  // Nothing is inflated: a few bytes could become gigabytes.
  if (encoding.toLowerCase() !== "identity")
    throw refusal("BAD_DATA", "The body must not be compressed");
  if (!json.test(req.headers["content-type"] ?? ""))
    throw refusal("BAD_DATA", "The body must be application/json in UTF-8");
  return objectIn(bytes);
}

function read(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (error?: Error) => {
      clearTimeout(timer);
      req.off("data", take).off("end", done).off("error", cut).off("close", cut);
      if (error) reject(error);
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyLimit) done(tooLarge());
      else chunks.push(chunk);
    };
    const cut = () => done(refusal("BAD_DATA", "The body is incomplete"));
    const timer = setTimeout(
      () => done(refusal("BAD_DATA", "The body did not arrive in time")),
      bodyWithin,
    );
    if (req.destroyed) cut();
    else req.on("data", take).once("end", done).once("error", cut).once("close", cut);
  });
}

function objectIn(bytes: Buffer): Record<string, unknown> {
  const value = parsed(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refusal("BAD_DATA", "The body must be a JSON object");
  return value as Record<string, unknown>;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw refusal("BAD_DATA", "The body is not JSON in UTF-8");
  }
}

const tooLarge = () =>
  refusal("TOO_LARGE", `A request body may have at most ${bodyLimit / 1024} KB`);
