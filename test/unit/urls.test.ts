import { describe, expect, it } from "@jest/globals";
import {
  areAmqpUrls,
  credentialsOf,
  hasDefaultUser,
  hasWeakPassword,
  hostsOf,
  isPlaintext,
  isRemote,
  isMongoUrl,
  redact,
  splitAmqpUrls,
  withDatabase,
} from "../../broker/env/urls.ts";

describe("the credentials of a URL", () => {
  it.each([
    ["amqp://souk:s3cret@rabbit", ["souk", "s3cret"]],
    ["mongodb://souk:p%40ss@a,b/x", ["souk", "p@ss"]],
    ["mongodb://souk:un/esc@ped@db/x", ["souk", "un/esc@ped"]],
    ["amqp://souk:100%@rabbit", ["souk", "100%"]],
    ["amqp://rabbit?x=a:b@c", ["", ""]],
  ])("in %s are %j", (url, credentials) => expect(credentialsOf(url)).toEqual(credentials));

  it.each([
    ["amqps://rabbit", true],
    ["amqps://guest:guest@rabbit", true],
    ["amqps://guest:other@rabbit", false],
  ])("in %s are RabbitMQ's default: %s", (url, expected) =>
    expect(hasDefaultUser(url)).toBe(expected),
  );

  it.each([
    ["amqps://souk:password@rabbit", true],
    ["amqps://souk:SOUK@rabbit", true],
    ["amqps://souk:3fa8c1d0b7@rabbit", false],
    ["amqps://rabbit", false],
  ])("in %s are easily guessed: %s", (url, expected) =>
    expect(hasWeakPassword(url)).toBe(expected),
  );
});

describe("the hosts of a URL", () => {
  it.each([
    ["mongodb://u:p@a:1,b:2/x", ["a", "b"]],
    ["mongodb+srv://u:p@db.example/x", ["db.example"]],
    ["amqp://[::1]:5672", ["[::1]"]],
  ])("in %s are %j", (url, hosts) => expect(hostsOf(url)).toEqual(hosts));

  it.each([
    ["amqp://localhost", false],
    ["amqp://127.1.2.3:5672", false],
    ["mongodb://[::1]:1,localhost", false],
    ["mongodb://localhost,db.example", true],
    ["amqp://localhost.example", true],
  ])("in %s are remote: %s", (url, expected) => expect(isRemote(url)).toBe(expected));
});

it.each([
  ["amqp://a?tls=true", true],
  ["amqps://a", false],
  ["mongodb://a/x", true],
  ["mongodb://a/x?TLS=true", false],
  ["mongodb+srv://a/x", false],
  ["mongodb+srv://a/x?tlsInsecure=true", true],
])("a connection to %s is plaintext: %s", (url, expected) =>
  expect(isPlaintext(url)).toBe(expected),
);

it.each([
  ["amqp://souk:sec/ret@rabbit", "amqp://…@rabbit"],
  ["mongodb://u:p@a,b/x?key=secret", "mongodb://…@a,b/x?…"],
  ["rabbit user:secret@rabbit", "…@rabbit"],
])("%s is shown as %s", (url, shown) => expect(redact(url)).toBe(shown));

it.each([
  ["amqp://a", ["amqp://a"]],
  ["amqp://a;amqps://u:p@b/v", ["amqp://a", "amqps://u:p@b/v"]],
  ["amqp://a, amqp://b", ["amqp://a", "amqp://b"]],
  [
    "amqp://u:p@a,b:5673, c/v?x=1",
    ["amqp://u:p@a/v?x=1", "amqp://u:p@b:5673/v?x=1", "amqp://u:p@c/v?x=1"],
  ],
  ["rabbit", ["rabbit"]],
])("%s names the RabbitMQ nodes %j", (urls, expected) =>
  expect(splitAmqpUrls(urls)).toEqual(expected),
);

it.each([
  ["amqp://a,b;amqps://c", true],
  ["amqp://a,", false],
  ["amqp://a;http://b", false],
  [";", false],
])("%s is a value for AMQP_URL: %s", (urls, expected) => expect(areAmqpUrls(urls)).toBe(expected));

it("another database replaces the one in the URL, unless that is kept", () => {
  const url = "mongodb://u:p@a,b/x?w=1";
  expect(withDatabase(url, "y", { keep: false })).toBe("mongodb://u:p@a,b/y?w=1");
  expect(withDatabase(url, "y", { keep: true })).toBe("mongodb://u:p@a,b/x?w=1");
  expect(withDatabase("mongodb://a", "y", { keep: true })).toBe("mongodb://a/y");
});

it("a password with an unescaped / or @ makes no valid MongoDB URL, so that no part of it counts as a database", () => {
  expect(isMongoUrl("mongodb://souk:Secr3t/Pass@db.example")).toBe(false);
  expect(isMongoUrl("mongodb://souk:Secr3t%2FPass@db.example/shop?tls=true")).toBe(true);
});
