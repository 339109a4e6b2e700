import { clientAddress, networkOf } from "../../edge/policy/client-address.ts";

it.each<[string, string | undefined, string | undefined, number, string]>([
  ["the other end's, where no proxy is trusted", "203.0.113.7", "198.51.100.1", 0, "203.0.113.7"],
  ["the other end's, where nothing was forwarded", "203.0.113.7", undefined, 1, "203.0.113.7"],
  ["the other end's, where an empty header was", "203.0.113.7", "", 1, "203.0.113.7"],
  ["what the one proxy was asked from", "10.0.0.1", "198.51.100.1", 1, "198.51.100.1"],
  [
    "what the one proxy was asked from, not what the client forged before it",
    "10.0.0.1",
    "8.8.8.8, 198.51.100.1",
    1,
    "198.51.100.1",
  ],
  [
    "what the outer of two proxies was asked from",
    "10.0.0.1",
    "8.8.8.8, 198.51.100.1,10.0.0.2",
    2,
    "198.51.100.1",
  ],
  [
    "the farthest known, where fewer proxies stood between than trusted",
    "10.0.0.1",
    "198.51.100.1",
    3,
    "198.51.100.1",
  ],
  ["the proxy's, where it appended no address", "10.0.0.1", "198.51.100.1, unknown", 1, "10.0.0.1"],
  [
    "the inner proxy's, where the outer one appended no address",
    "10.0.0.1",
    "8.8.8.8, <script>, 10.0.0.2",
    2,
    "10.0.0.2",
  ],
  ["never beyond what is garbled", "10.0.0.1", "8.8.8.8, , 10.0.0.2", 3, "10.0.0.2"],
  ["an IPv4 address also in IPv6 clothes", "::ffff:203.0.113.7", undefined, 0, "203.0.113.7"],
  ["the same in hexadecimal", "::FFFF:cb00:7107", undefined, 0, "203.0.113.7"],
  [
    "without the port that some proxies append",
    "10.0.0.1",
    "198.51.100.1:50123",
    1,
    "198.51.100.1",
  ],
  ["IPv6, however it is written", "10.0.0.1", "2001:DB8::0001", 1, "2001:db8:0:0:0:0:0:1"],
  ["IPv6 in brackets, with a port", "10.0.0.1", "[2001:db8::1]:443", 1, "2001:db8:0:0:0:0:0:1"],
  ["IPv6 without its zone", "fe80::1%eth0", undefined, 0, "fe80:0:0:0:0:0:0:1"],
  ["nobody's, where the other end has gone", undefined, undefined, 0, ""],
])("an address is %s", (_what, remote, forwardedFor, hops, address) => {
  expect(clientAddress(remote, forwardedFor, hops)).toBe(address);
});

it("does not read a long forgery to its end", () => {
  expect(clientAddress("10.0.0.1", `${"8.8.8.8,".repeat(2_000)}198.51.100.1`, 1)).toBe(
    "198.51.100.1",
  );
});

it.each([
  ["an IPv4 address", "203.0.113.7", "203.0.113.7"],
  ["an IPv6 /64", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["the same /64", "2001:db8:1:2::ffff", "2001:db8:1:2::/64"],
  ["a /64 with zeros", "::1", "0:0:0:0::/64"],
  ["a mapped IPv4 address", "::ffff:203.0.113.7", "203.0.113.7"],
  ["one for all that is no address", "garbage", ""],
])("a network is %s", (_what, address, network) => {
  expect(networkOf(address)).toBe(network);
});
