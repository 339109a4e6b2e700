import { isIP } from "node:net";

/**
 * The address that a request comes from: the other end of the connection, unless that is a proxy of ours. Each of `hops` proxies
 * appends to `X-Forwarded-For` the address it was asked from, so the last `hops` entries are believed, from the right; what stands
 * before them is the client's own invention. An entry that is no address ends the walk: whoever stands behind it is not known.
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: string | undefined,
  hops: number,
): string {
  const entries = hops > 0 && forwardedFor ? forwardedFor.split(",").slice(-hops).toReversed() : [];
  const addresses = [remote ?? "", ...entries].map(normal);
  const garbled = addresses.indexOf("", 1);
  return (garbled < 0 ? addresses : addresses.slice(0, garbled)).at(-1)!;
}

/**
 * Whom a bound on addresses holds for: an IPv4 address, or a whole IPv6 /64, because that is what one customer gets, and it has more
 * addresses than could ever be counted. What is no address shares one bound.
 */
export function networkOf(address: string): string {
  const plain = normal(address);
  return isIP(plain) === 6 ? `${groupsOf(plain).slice(0, 4).join(":")}::/64` : plain;
}

/** Without port, brackets, zone and the IPv6 clothes of an IPv4 address; "" if it is none. */
function normal(entry: string): string {
  // As nearly all come.
  if (isIP(entry) === 4) return entry;
  const trimmed = entry.trim();
  const bare = (
    /^\[([^\]]*)\](:\d+)?$/.exec(trimmed)?.[1] ??
    /^([\d.]+):\d+$/.exec(trimmed)?.[1] ??
    trimmed
  ).replace(/%.*$/, "");
  if (isIP(bare) !== 6) return isIP(bare) === 4 ? bare : "";
  const groups = groupsOf(bare);
  return groups.slice(0, 6).join() === "0,0,0,0,0,ffff"
    ? groups.slice(6).flatMap(bytesOf).join(".")
    : groups.join(":");
}

/** The eight groups of a valid IPv6 address, lower-cased, without leading zeros. */
function groupsOf(address: string): string[] {
  const hex = address.replace(/[\d.]+$/, (tail) =>
    tail.includes(".") ? inGroups(tail.split(".").map(Number)) : tail,
  );
  const [head, tail] = hex.split("::").map((side) => side.split(":").filter(Boolean)) as [
    string[],
    string[]?,
  ];
  const groups = tail
    ? [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail]
    : head;
  return groups.map((group) => parseInt(group, 16).toString(16));
}

const inGroups = ([a = 0, b = 0, c = 0, d = 0]: number[]) =>
  `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
const bytesOf = (group: string) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255];
