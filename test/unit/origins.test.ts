import { isAllowedOrigin } from "../../edge/policy/origins.ts";

const listed = ["https://partner.example", "http://ok.example:8080", "capacitor://localhost"];
const allowed = { listed, localhost: false };
const pagePort = 3000;

it.each([
  ["a request without an origin", undefined, "souk.example"],
  ["the page's own", "https://souk.example", "souk.example"],
  ["the page's own, on its own port", "http://souk.example:3000", "souk.example:3001"],
  ["the page's own, by address", "http://127.0.0.1:3000", "127.0.0.1:3001"],
  ["the page's own, by IPv6 address", "http://[::1]:3000", "[::1]:3001"],
  ["the page's own, in another case", "http://souk.example", "Souk.Example"],
  [
    "the page's own, behind a TLS proxy on another port",
    "https://souk.example:8443",
    "souk.example:8443",
  ],
  [
    "the page's own, with the scheme's default port written out",
    "https://souk.example",
    "souk.example:443",
  ],
  ["a listed origin", "https://partner.example", "souk.example"],
  ["an origin that is listed with its port", "http://ok.example:8080", "souk.example"],
  ["the listed origin of an app", "capacitor://localhost", "souk.example"],
])("accepts %s", (_what, origin, host) => {
  expect(isAllowedOrigin(origin, host, allowed, pagePort)).toBe(true);
});

it.each([
  ["the origin of another site", "https://evil.example"],
  ["a name that begins like the page's own", "https://souk.example.evil.example"],
  ["a name that ends like the page's own", "https://evilsouk.example"],
  ["a subdomain's", "https://a.souk.example"],
  ["a name that begins like a listed one", "https://partner.example.evil.example"],
  ["a listed name in another scheme", "http://partner.example"],
  ["a listed name on another port", "http://ok.example:8081"],
  ["an opaque one", "null"],
  ["an empty one", ""],
  ["a file's", "file://souk.example"],
  ["an extension's", "chrome-extension://souk.example"],
  ["a URL with a path", "https://souk.example/path"],
  ["a URL with a user", "https://souk.example@evil.example"],
  ["two origins", "https://souk.example https://evil.example"],
  ["another port of the same host", "http://souk.example:8081"],
  ["a page of localhost", "http://localhost:5173"],
  ["an app that begins like a listed one", "capacitor://localhost.example"],
  ["a listed app's name in another scheme", "ionic://localhost"],
])("rejects %s", (_what, origin) => {
  expect(isAllowedOrigin(origin, "souk.example", allowed, pagePort)).toBe(false);
});

it.each([["none"], [undefined], [""], ["evil.example#souk.example"]])(
  "has no own origin where the request was sent to host %s",
  (host) => {
    expect(isAllowedOrigin("https://souk.example", host, allowed, pagePort)).toBe(false);
  },
);

describe("where pages of localhost are admitted", () => {
  const admits = (origin: string, host: string) =>
    isAllowedOrigin(origin, host, { listed: [], localhost: true });

  it.each([
    "http://localhost",
    "http://localhost:5173",
    "https://localhost:8443",
    "http://127.0.0.1:3999",
    "https://127.0.0.1",
    "http://[::1]:8080",
  ])("%s is, at every name of this machine", (origin) => {
    for (const host of ["localhost:3000", "LOCALHOST", "127.0.0.1:3000", "127.8.0.1", "[::1]:3000"])
      expect(admits(origin, host)).toBe(true);
  });

  it.each(["souk.example", "192.168.1.5:3000", "localhost.evil.example", "127.0.0.1.evil.example"])(
    "none is at %s, a name of the public",
    (host) => expect(admits("http://localhost:5173", host)).toBe(false),
  );

  it.each([
    "null",
    "http://localhost.evil.example",
    "http://evil-localhost:5173",
    "http://a.localhost:5173",
    "http://localhost:5173/path",
    "http://localhost:5173, http://evil.example",
    "http://evil.example#http://localhost",
    "http://127.0.0.2:5173",
    "http://[::1",
    "ws://localhost:5173",
    "capacitor://localhost",
    "file://localhost",
    "http://user@localhost",
  ])("%s is not", (origin) => expect(admits(origin, "localhost:3000")).toBe(false));
});
