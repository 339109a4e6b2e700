import { BlockList, isIPv4, isIPv6 } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

/** Whether a host, without port and brackets, is this machine. A path is that of a Unix socket. */
export const isLocal = (host: string): boolean =>
  host.startsWith("/") ||
  host.toLowerCase() === "localhost" ||
  (isIPv4(host) && loopback.check(host)) ||
  (isIPv6(host) && loopback.check(host, "ipv6"));
