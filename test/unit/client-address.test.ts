import { clientAddress, networkOf } from "../../edge/policy/client-address.ts";

it.each<[string, string | undefined, string | undefined, number, string]>([
  ["the peer's when no proxy is trusted", "203.0.113.7", "198.51.100.1", 0, "203.0.113.7"],
  ["the peer's when nothing was forwarded", "203.0.113.7", undefined, 1, "203.0.113.7"],
  ["the peer's when the header is empty", "203.0.113.7", "", 1, "203.0.113.7"],
  ["the last entry behind one proxy", "10.0.0.1", "198.51.100.1", 1, "198.51.100.1"],
  [
    "the last entry behind one proxy, not a forged entry before it",
    "10.0.0.1",
    "8.8.8.8, 198.51.100.1",
    1,
    "198.51.100.1",
  ],
  [
    "the last but one entry behind two proxies",
    "10.0.0.1",
    "8.8.8.8, 198.51.100.1,10.0.0.2",
    2,
    "198.51.100.1",
  ],
  [
    "the first entry when there are fewer proxies than trusted",
    "10.0.0.1",
    "198.51.100.1",
    3,
    "198.51.100.1",
  ],
  [
    "the proxy's when its entry is not an address",
    "10.0.0.1",
    "198.51.100.1, unknown",
    1,
    "10.0.0.1",
  ],
  [
    "the inner proxy's when the outer one's entry is not an address",
    "10.0.0.1",
    "8.8.8.8, <script>, 10.0.0.2",
    2,
    "10.0.0.2",
  ],
  ["never before an empty entry", "10.0.0.1", "8.8.8.8, , 10.0.0.2", 3, "10.0.0.2"],
  ["IPv4 when it is IPv4-mapped IPv6", "::ffff:203.0.113.7", undefined, 0, "203.0.113.7"],
  ["IPv4 when it is IPv4-mapped in hexadecimal", "::FFFF:cb00:7107", undefined, 0, "203.0.113.7"],
  [
    "without the port that some proxies append",
    "10.0.0.1",
    "198.51.100.1:50123",
    1,
    "198.51.100.1",
  ],
  ["IPv6 in one notation", "10.0.0.1", "2001:DB8::0001", 1, "2001:db8:0:0:0:0:0:1"],
  ["IPv6 in brackets, with a port", "10.0.0.1", "[2001:db8::1]:443", 1, "2001:db8:0:0:0:0:0:1"],
  ["IPv6 without its zone", "fe80::1%eth0", undefined, 0, "fe80:0:0:0:0:0:0:1"],
  ["empty when the peer has disconnected", undefined, undefined, 0, ""],
])("an address is %s", (_what, remote, forwardedFor, hops, address) => {
  expect(clientAddress(remote, forwardedFor, hops)).toBe(address);
});

it("reads only the trusted entries of a long forgery", () => {
  expect(clientAddress("10.0.0.1", `${"8.8.8.8,".repeat(2_000)}198.51.100.1`, 1)).toBe(
    "198.51.100.1",
  );
});

it.each([
  ["an IPv4 address", "203.0.113.7", "203.0.113.7"],
  ["an IPv6 /64", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["the same /64", "2001:db8:1:2::ffff", "2001:db8:1:2::/64"],
  ["a /64 with zeros", "::1", "0:0:0:0::/64"],
  ["an IPv4-mapped address", "::ffff:203.0.113.7", "203.0.113.7"],
  ["one for all invalid addresses", "garbage", ""],
  ["one for all invalid addresses, also where IPv4 has leading zeros or few parts", "010.1", ""],
])("a network is %s", (_what, address, network) => {
  expect(networkOf(address)).toBe(network);
});
