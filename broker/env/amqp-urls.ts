/** The value of AMQP_URL: the URLs of one or more RabbitMQ nodes. */
import type { ServerUrl } from "./server-url.ts";

/**
 * The URL of each RabbitMQ node that AMQP_URL names: URLs separated by commas or semicolons, and hosts separated by them
 * within a URL (`amqps://user:password@a,b:5671,c/vhost`), which share the rest of it. A host may have a user of its own
 * (`amqps://u:p@a,v:q@b`).
 */
export const splitAmqpUrls = (urls = ""): string[] =>
  urls
    .split(/[;,](?=\s*[a-z][a-z\d+.-]*:\/\/)|;\s*$/i)
    .map((url) => url.trim())
    .filter(Boolean)
    .flatMap(urlOfEachNode);

function urlOfEachNode(url: string): string[] {
  const scheme = /^\w+:\/\//.exec(url)?.[0];
  if (!scheme) return [url];
  // A password may hold a / that is not percent-encoded.
  const hosts = Math.max(url.lastIndexOf("@") + 1, scheme.length);
  const end = hosts + url.slice(hosts).search(/[/?#]|$/);
  return nodesIn(url.slice(scheme.length, end)).map((node) => scheme + node + url.slice(end));
}

const host = String.raw`(?:\[[\w:.%]+\]|[^\s@:,;[\]]+)(?::\d*)?`;
const firstWithUser = new RegExp(String.raw`([^@]*@${host})\s*(?:[,;]|$)`, "y");
const next = new RegExp(String.raw`\s*(${host}|[^\s@:,;]*:[^@]*@${host})\s*(?:[,;]|$)`, "y");

/** The nodes of a list, each with its user. A comma or semicolon within a password separates nothing. */
function nodesIn(list: string): string[] {
  const nodes: string[] = [];
  let end = 0;
  while (end < list.length) {
    const pattern = end === 0 && list.includes("@") ? firstWithUser : next;
    pattern.lastIndex = end;
    const node = pattern.exec(list)?.[1];
    // A password may hold an @ that is not percent-encoded: then the last one ends it, as for the driver.
    if (node === undefined) return withUser(splitLast(list));
    nodes.push(node.trim());
    end = pattern.lastIndex;
  }
  if (/[,;]$/.test(list)) nodes.push("");
  const [user] = splitLast(nodes[0] ?? "");
  return nodes.map((node) => (node.includes("@") ? node : user + node));
}

const splitLast = (node: string): [user: string, hosts: string] => {
  const at = node.lastIndexOf("@") + 1;
  return [node.slice(0, at), node.slice(at)];
};

const withUser = ([user, hosts]: [string, string]): string[] =>
  hosts.split(/[,;]/).map((each) => user + each.trim());

/** Whether every node that AMQP_URL names has the URL of a RabbitMQ node. */
export const areAmqpUrls = (text: string): boolean => {
  const urls = splitAmqpUrls(text);
  return urls.length > 0 && urls.every((url) => parseAmqpUrl(url) !== undefined);
};

/** What amqplib reads in the URL of one node. Undefined when it is not such a URL. */
export function parseAmqpUrl(text: string): ServerUrl | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, username, password } = new URL(text);
  if (!["amqp:", "amqps:"].includes(protocol) || hostname === "") return undefined;
  // It takes the default user when the URL has neither a name nor a password.
  const isDefault = username === "" && password === "";
  return {
    kind: "RabbitMQ",
    hosts: [hostname.replace(/^\[|\]$/g, "")],
    user: isDefault ? "guest" : decode(username),
    password: isDefault ? "guest" : decode(password),
    isProtected: protocol === "amqps:",
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
