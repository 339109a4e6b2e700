/** One request, and the code that sends it. Pure functions. */
import { needsUser, type Call } from "./operation.ts";

/** A request as a reader filled it in. */
export interface Filled {
  /** By parameter; an empty text leaves an optional one out. */
  values: Record<string, string>;
  /** JSON text; undefined for a call without a body. */
  body: string | undefined;
}

export interface Prepared {
  method: string;
  /** Path and query. */
  target: string;
  /** Without the access token. */
  headers: Record<string, string>;
  body: string | undefined;
}

export function prepare({ method, path, parameters = [] }: Call, filled: Filled): Prepared {
  const given = parameters.filter(({ name }) => filled.values[name]);
  const place = (where: string) =>
    given.filter((one) => one.in === where).map(({ name }) => [name, filled.values[name]!]);
  const query = new URLSearchParams(place("query")).toString();
  const target = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(filled.values[name] ?? ""),
  );
  const body = filled.body?.trim() || undefined;
  return {
    method,
    target: query ? `${target}?${query}` : target,
    headers: {
      ...(body && { "content-type": "application/json" }),
      ...(Object.fromEntries(place("header")) as Record<string, string>),
    },
    body,
  };
}

/** For a POSIX shell. The token is a variable, so that no copied text contains it. */
export function curl(call: Call, filled: Filled, origin: string): string {
  const { method, target, headers, body } = prepare(call, filled);
  const lines = [
    `curl ${method === "GET" ? "" : `-X ${method} `}${quoted(origin + target)}`,
    ...(needsUser(call) ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body ? [`-d ${quoted(compact(body))}`] : []),
  ];
  return lines.join(" \\\n  ");
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** On one line if it is JSON. */
function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

/** For browsers and Node. `accessToken` comes from a sign-in. */
export function javaScript(call: Call, filled: Filled, origin: string): string {
  const { method, target, headers, body } = prepare(call, filled);
  const fields = [
    ...(needsUser(call) ? ["authorization: `Bearer ${accessToken}`"] : []),
    ...Object.entries(headers).map(
      ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
    ),
  ];
  const options = [
    ...(method === "GET" ? [] : [`method: "${method}"`]),
    ...(fields.length > 0 ? [`headers: { ${fields.join(", ")} }`] : []),
    ...(body ? [`body: JSON.stringify(${compact(body)})`] : []),
  ];
  const list = options.map((option) => `  ${option},\n`).join("");
  const url = JSON.stringify(origin + target);
  const isEmpty = "204" in call.responses;
  return [
    `const response = await fetch(${url}${list ? `, {\n${list}}` : ""});`,
    isEmpty
      ? "if (!response.ok) throw new Error((await response.json()).detail);"
      : "const result = await response.json();\nif (!response.ok) throw new Error(result.detail);",
  ].join("\n");
}
