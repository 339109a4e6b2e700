/** What RabbitMQ's management API knows and AMQP does not: policies, alarms and the nodes of a cluster. */
import { messageOf, type Findings } from "./finding.ts";

const timeoutMs = 3_000;
/** Definitions that make a queue drop messages, or end a queue. */
const dropping = ["message-ttl", "max-length", "max-length-bytes", "expires", "overflow"];

interface Policy {
  name: string;
  pattern: string;
  "apply-to": string;
  definition: Record<string, unknown>;
}
interface RabbitNode {
  name: string;
  running: boolean;
  mem_alarm?: boolean;
  disk_free_alarm?: boolean;
  partitions?: string[];
}

/** `prefix` begins the names of all queues of the namespace. Whether the API could be asked. */
export async function checkManagement(
  where: { amqpUrl: string; origin: string | undefined },
  prefix: string,
  findings: Findings,
): Promise<boolean> {
  const api = apiOf(where);
  try {
    const nodes = (await api.get("nodes")) as RabbitNode[];
    for (const node of nodes) describeNode(node, findings);
    const policies = (await api.get(`policies/${api.vhost}`)) as Policy[];
    const operator = (await api.get(`operator-policies/${api.vhost}`)) as Policy[];
    checkPolicies([...policies, ...operator], prefix, findings);
    return true;
  } catch (error) {
    findings.add(
      "note",
      `The management API at ${api.origin} does not answer: ${messageOf(error)}.`,
    );
    return false;
  }
}

/** At the usual port of the same host, with the same user. RABBITMQ_MANAGEMENT_URL names another origin. */
function apiOf({ amqpUrl, origin: given }: { amqpUrl: string; origin: string | undefined }) {
  const { protocol, hostname, username, password, pathname } = new URL(amqpUrl);
  const usual = protocol === "amqps:" ? `https://${hostname}:15671` : `http://${hostname}:15672`;
  const { origin } = new URL(given || usual);
  const user = `${decodeURIComponent(username) || "guest"}:${decodeURIComponent(password) || "guest"}`;
  const authorization = `Basic ${Buffer.from(user).toString("base64")}`;
  return {
    origin,
    vhost: pathname.length > 1 ? pathname.slice(1) : "%2F",
    async get(path: string): Promise<unknown> {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(`${origin}/api/${path}`, {
        headers: { authorization },
        signal,
      }).catch((error: Error & { cause?: { code?: string } }) => {
        throw new Error(error.cause?.code ?? error.message, { cause: error });
      });
      if (response.ok) return response.json();
      throw new Error(
        response.status === 401 || response.status === 403
          ? `the user may not read ${path.split("/")[0]}: it needs the tags policymaker and monitoring`
          : `${path} is answered with ${response.status}`,
      );
    },
  };
}

function describeNode(node: RabbitNode, findings: Findings): void {
  const { name, running, mem_alarm, disk_free_alarm, partitions = [] } = node;
  if (!running) findings.add("wrong", `The RabbitMQ node ${name} is down.`);
  if (mem_alarm) findings.add("wrong", `The RabbitMQ node ${name} has a memory alarm.`);
  if (disk_free_alarm) findings.add("wrong", `The RabbitMQ node ${name} has a disk alarm.`);
  if (partitions.length > 0)
    findings.add("wrong", `The RabbitMQ node ${name} is separated from ${partitions.join(", ")}.`);
}

function checkPolicies(policies: Policy[], prefix: string, findings: Findings): void {
  const bad = policies.filter(
    ({ pattern, definition, "apply-to": applyTo }) =>
      applyTo !== "exchanges" &&
      matches(pattern, prefix) &&
      dropping.some((key) => key in definition),
  );
  for (const { name, definition } of bad)
    findings.add(
      "wrong",
      `The policy ${name} drops messages of nodes: ${JSON.stringify(definition)}. Remove it, or let its pattern leave out ${prefix}*.`,
    );
  if (bad.length === 0) findings.add("ok", `No policy drops messages from queues ${prefix}*.`);
}

/** Of a pattern that only RabbitMQ understands it is assumed that it matches. */
export function matches(pattern: string, prefix: string): boolean {
  try {
    const names = ["requests", "packets", "waiting"].map((path) => `${prefix}node.id.${path}`);
    return names.some((name) => new RegExp(pattern).test(name));
  } catch {
    return true;
  }
}
