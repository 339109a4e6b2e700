import { MIMEType } from "node:util";

/** Whether a Content-Type is JSON in UTF-8: `application/json` or a type that ends with `+json` (RFC 6839), with any parameters. */
export function isJson(contentType: string): boolean {
  if (contentType === "application/json") return true;
  try {
    const { essence, params } = new MIMEType(contentType);
    return jsonEssence.test(essence) && /^utf-?8$/i.test(params.get("charset") ?? "utf-8");
  } catch {
    return false;
  }
}

const jsonEssence = /^(application\/json|[^/]+\/[^/]+\+json)$/;

const formEssence = /^(application\/x-www-form-urlencoded|multipart\/form-data)$/;

/** Whether a Content-Type is one of HTML's forms, with any parameters. */
export function isForm(contentType: string): boolean {
  try {
    return formEssence.test(new MIMEType(contentType).essence);
  } catch {
    return false;
  }
}

/** Whether a request's Accept header asks for a page: people's browsers name text/html, programs do not, or prefer JSON. */
export function prefersHtml(accept = ""): boolean {
  const weights = new Map(accept.split(",").map(weightOf));
  const html = weights.get("text/html") ?? 0;
  const json = ["application/json", "application/problem+json"].map((it) => weights.get(it) ?? 0);
  return html > 0 && json.every((weight) => weight <= html);
}

function weightOf(range: string): [type: string, weight: number] {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  return [type, weight === undefined ? 1 : Number(weight) || 0];
}
