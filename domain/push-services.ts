/** The push services of Chrome, Edge (on Windows), Firefox and Safari, and of the browsers that are built on them. */
export const knownPushServices = [
  "fcm.googleapis.com",
  "*.push.services.mozilla.com",
  "*.notify.windows.com",
  "*.push.apple.com",
];

/** Whether this is a host, or `*.` and the end of hosts. */
export const isHostPattern = (text: string): boolean =>
  /^(?:\*\.)?[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)+$/.test(text);

/** "a, b" as a list of hosts in lower case. */
export const splitHosts = (text: string): string[] =>
  text
    .split(",")
    .map((host) => host.trim().toLowerCase())
    .filter(Boolean);

/**
 * Whether the endpoint of a subscription, a URL from a stranger, is at one of the push services: https, the usual port, no credentials, and
 * a host that is listed, or ends with a listed one that begins with `*.`.
 */
export function isAtPushService(endpoint: string, services: readonly string[]): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, port, hostname, username, password } = new URL(endpoint);
  if (protocol !== "https:" || port !== "" || username !== "" || password !== "") return false;
  return services.some((service) =>
    service.startsWith("*.") ? hostname.endsWith(service.slice(1)) : hostname === service,
  );
}
