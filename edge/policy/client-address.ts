import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * The IP address of a client: the peer of the connection, or what our own proxies say. Each of `hops`
 * trusted proxies appends to `X-Forwarded-For` the address that connected to it, so the last `hops`
 * entries count, from the right; the client can forge every entry before them. The walk ends at an entry
 * that is not an address. Returns "" when the peer has disconnected.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  hops: number,
): string {
  const entries = hops > 0 && forwardedFor ? forwardedFor.split(",").slice(-hops).toReversed() : [];
  const addresses = [peer ?? "", ...entries].map(normalize);
  const invalid = addresses.indexOf("", 1);
  return (invalid < 0 ? addresses : addresses.slice(0, invalid)).at(-1)!;
}

/**
 * The key of limits by network: an IPv4 address, or an IPv6 /64, which is what one customer gets and has
 * too many addresses to count. All invalid addresses share the key "".
 */
export function networkOf(address: string): string {
  const plain = normalize(address);
  return plain.includes(":") ? `${plain.split(":").slice(0, 4).join(":")}::/64` : plain;
}

/**
 * Four decimal parts or eight groups of lower-case hexadecimal, without port, brackets and zone. An
 * IPv4-mapped IPv6 address becomes IPv4. Returns "" for anything else.
 */
function normalize(entry: string): string {
  // Most entries are plain IPv4.
  if (isIP(entry) === 4) return entry;
  const trimmed = entry.trim();
  const [bare = ""] = (
    /^\[([^\]]*)\](:\d+)?$/.exec(trimmed)?.[1] ??
    /^([\d.]+):\d+$/.exec(trimmed)?.[1] ??
    trimmed
  ).split("%", 1);
  // Node's check is strict and fast; ipaddr.js also accepts "1.2.3", and takes milliseconds for a long forgery.
  if (isIP(bare) !== 6) return isIP(bare) === 4 ? bare : "";
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address.toNormalizedString();
}
