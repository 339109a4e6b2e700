import type { IncomingMessage } from "node:http";
import { badData, refusal } from "../broker/refusal.ts";
import { bodyLimit } from "../contracts/routes.ts";
import { isForm, isJson } from "./media-type.ts";
import { repeatedName } from "./repeated-name.ts";

/** Milliseconds from the end of the headers until the body must be complete. The rest of the 10 s is for the call. */
const bodyTimeoutMs = 8_000;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads the JSON object in a request's body; {} when there is no body. With `takesForm`, a form counts as {}. Throws BAD_DATA, or
 * TOO_LARGE without reading more than the limit. docs/decisions/012 says why this is not body-parser.
 */
export async function readBody(
  req: IncomingMessage,
  takesForm = false,
): Promise<Record<string, unknown>> {
  const {
    "content-length": length,
    "transfer-encoding": chunked,
    "content-encoding": encoding = "identity",
    "content-type": type = "",
  } = req.headers;
  if (!chunked && !Number(length)) return {};
  if (Number(length) > bodyLimit) throw tooLarge();
  const bytes = await receive(req);
  if (bytes.length === 0) return {};
  // Nothing is decompressed: a few bytes could become gigabytes.
  if (encoding.toLowerCase() !== "identity")
    throw refusal("BAD_DATA", "The body must not be compressed.");
  if (takesForm && isForm(type)) return {};
  if (!isJson(type)) throw refusal("BAD_DATA", "The body must be application/json in UTF-8.");
  return parseObject(bytes);
}

function receive(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (error?: Error) => {
      clearTimeout(timer);
      req.off("data", add).off("end", settle).off("error", abort).off("close", abort);
      if (error) reject(error);
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const add = (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyLimit) settle(tooLarge());
      else chunks.push(chunk);
    };
    const abort = () => settle(refusal("BAD_DATA", "The body is incomplete."));
    const timer = setTimeout(
      () => settle(refusal("BAD_DATA", "The body did not arrive in time.")),
      bodyTimeoutMs,
    );
    if (req.destroyed) abort();
    else req.on("data", add).once("end", settle).once("error", abort).once("close", abort);
  });
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  const { text, value } = parseJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refusal("BAD_DATA", "The body must be a JSON object.");
  const field = repeatedName(text);
  if (field !== undefined) throw badData([{ field, message: "is given twice" }]);
  return value as Record<string, unknown>;
}

function parseJson(bytes: Buffer): { text: string; value: unknown } {
  try {
    const text = utf8.decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch {
    throw refusal("BAD_DATA", "The body is not JSON in UTF-8.");
  }
}

const tooLarge = () =>
  refusal("TOO_LARGE", `A request body may have at most ${bodyLimit / 1024} KB.`);
