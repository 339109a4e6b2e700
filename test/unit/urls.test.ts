import { describe, expect, it } from "@jest/globals";
import { MongoClient } from "mongodb";
import { areAmqpUrls, parseAmqpUrl, splitAmqpUrls } from "../../broker/env/amqp-urls.ts";
import { urlFaults } from "../../broker/env/faults.ts";
import { parseMongoUrl } from "../../broker/env/mongo-url.ts";
import { redact } from "../../broker/env/urls.ts";

describe("a URL of RabbitMQ", () => {
  it.each([
    ["amqp://souk:s3cret@rabbit", ["souk", "s3cret", "rabbit", false]],
    ["amqps://souk:p%40ss@rabbit:5671/v", ["souk", "p@ss", "rabbit", true]],
    ["amqp://souk:100%@rabbit", ["souk", "100%", "rabbit", false]],
    ["amqp://rabbit?x=a:b@c", ["guest", "guest", "rabbit", false]],
    ["AMQPS://[::1]:5671", ["guest", "guest", "::1", true]],
    ["amqp://a?tls=true", ["guest", "guest", "a", false]],
  ])("%s is read as %j", (url, [user, password, host, isProtected]) =>
    expect(parseAmqpUrl(url)).toEqual({
      kind: "RabbitMQ",
      ...{ user, password, hosts: [host], isProtected },
    }),
  );

  it.each(["http://a", "amqp://", "amqp://a:99999", "amqp://u:p@", "rabbit", "amqp://u:p/w@a"])(
    "%s is not one",
    (url) => expect(parseAmqpUrl(url)).toBeUndefined(),
  );
});

describe("a URL of MongoDB", () => {
  it.each([
    ["mongodb://souk:p%40ss@a,b:2/x", ["souk", "p@ss", ["a", "b"], "x"]],
    ["mongodb://souk:p%3A%2F%3F%23%5B%5D%40@[::1]:2", ["souk", "p:/?#[]@", ["::1"], undefined]],
    ["mongodb+srv://u:p@db.example/x", ["u", "p", ["db.example"], "x"]],
    ["mongodb+srv://db.example/?w=1", ["", "", ["db.example"], undefined]],
    ["mongodb://a?w=1", ["", "", ["a"], undefined]],
    ["mongodb://a/test", ["", "", ["a"], "test"]],
    ["mongodb://u@%2Ftmp%2Fm.sock/x", ["u", "", ["/tmp/m.sock"], "x"]],
    ["mongodb://a,b,c/x?replicaSet=rs&authSource=y", ["", "", ["a", "b", "c"], "x"]],
  ] as const)("%s is read as %j", (url, [user, password, hosts, database]) =>
    expect(parseMongoUrl(url)).toMatchObject({ user, password, hosts, database }),
  );

  it.each([
    ["mongodb://a/x", false],
    ["mongodb://a/x?TLS=true", true],
    ["mongodb+srv://a/x", true],
    ["mongodb+srv://a/x?ssl=false", false],
    ["mongodb+srv://a/x?tlsInsecure=true", false],
    ["mongodb://a/x?appName=tls=true", false],
  ])("%s is protected by TLS: %s", (url, isProtected) =>
    expect(parseMongoUrl(url)).toMatchObject({ isProtected }),
  );

  it.each([
    ...["mongodb://", "mongodb://:p@a", "mongodb://@a", "mongodb://u:p@", "MONGODB://a", "a"],
    ...["mongodb://souk:Secr3t/Pass@db.example", "mongodb://u:p%zz@a", "mongodb://u:p@ss@a"],
    ...["mongodb://a:x", "mongodb://a:99999", "mongodb+srv://a:1", "mongodb+srv://a,b"],
    ...["mongodb://a/?tls=yes", "mongodb://a/?tls=true&ssl=false", "mongodb://a/?unknown=1"],
    ...["mongodb://a,b/?directConnection=true", "mongodb://u:p@a/?authMechanism=NONE"],
  ])("%s is none, to the driver and so to Souk", (url) => {
    expect(() => new MongoClient(url)).toThrow();
    expect(parseMongoUrl(url)).toBeUndefined();
  });

  it.each(["mongodb://a/x/y", "mongodb://a/x.y", "mongodb://a/x%20y"])(
    "%s is none, because no database has that name",
    (url) => expect(parseMongoUrl(url)).toBeUndefined(),
  );
});

it.each([
  ["amqp://a,localhost"],
  ["amqp://localhost.example"],
  ["mongodb://localhost,db.example"],
  ["mongodb+srv://localhost.db.example/?tls=false"],
  ["mongodb://[2001:db8::1]"],
])("%s is on another machine", (urls) =>
  expect(urlFaults(splitUrls(urls), false).join()).toMatch(/not encrypted/),
);

it.each([
  ...["amqp://localhost", "amqp://127.1.2.3:5672", "amqp://[::1]", "amqp://LOCALHOST"],
  ...["mongodb://[::1]:1,localhost", "mongodb://%2Ftmp%2Fm.sock", "mongodb://[0:0:0:0:0:0:0:1]"],
])("%s is on this machine", (urls) => expect(urlFaults(splitUrls(urls), false)).toEqual([]));

const splitUrls = (urls: string) => (urls.startsWith("amqp") ? splitAmqpUrls(urls) : [urls]);

it.each([
  ["amqp://souk:sec/ret@rabbit", "amqp://…@rabbit"],
  ["mongodb://u:p@a,b/x?key=secret", "mongodb://…@a,b/x?…"],
  ["rabbit user:secret@rabbit", "…@rabbit"],
  ["amqps://u:p@a:1;amqps://v:q@b:2/v", "amqps://…@a:1;amqps://…@b:2/v"],
  ["amqp://u:secret", "amqp://…"],
  ["amqp://u:p@a, amqp://u:secret", "amqp://…@a, amqp://…"],
  ["mongodb://a/?password=x@secret", "mongodb://…"],
  ["mongodb://u:se?cr@et", "mongodb://…"],
  ["user:secret", "…"],
  ["https://shop.example/", "https://shop.example/"],
  ["80a", "80a"],
])("%s is shown as %s", (url, shown) => expect(redact(url)).toBe(shown));

it.each([
  ["amqp://a", ["amqp://a"]],
  ["amqp://a;amqps://u:p@b/v", ["amqp://a", "amqps://u:p@b/v"]],
  ["amqps://u:p@a:5671;amqps://u:p@b:5671;", ["amqps://u:p@a:5671", "amqps://u:p@b:5671"]],
  ["amqp://a:1, AMQP://b:2", ["amqp://a:1", "AMQP://b:2"]],
  [
    "amqp://u:p@a,b:5673; c/v?x=1",
    ["amqp://u:p@a/v?x=1", "amqp://u:p@b:5673/v?x=1", "amqp://u:p@c/v?x=1"],
  ],
  ["amqp://a:1;b:2,[::1]:3/v,w", ["amqp://a:1/v,w", "amqp://b:2/v,w", "amqp://[::1]:3/v,w"]],
  [
    "amqps://u:p@a:1,b:2,v:q,r@c:3/x",
    ["amqps://u:p@a:1/x", "amqps://u:p@b:2/x", "amqps://v:q,r@c:3/x"],
  ],
  ["amqp://u:p,q;r@a,b", ["amqp://u:p,q;r@a", "amqp://u:p,q;r@b"]],
  ["amqp://u:p@q,r@a", ["amqp://u:p@q,r@a"]],
  ["amqp://u:p@q@a,b", ["amqp://u:p@q@a", "amqp://u:p@q@b"]],
  ["amqp://u:p/q@a,b/v", ["amqp://u:p/q@a/v", "amqp://u:p/q@b/v"]],
  ["rabbit", ["rabbit"]],
])("%s names the RabbitMQ nodes %j", (urls, expected) =>
  expect(splitAmqpUrls(urls)).toEqual(expected),
);

it.each([
  ["amqp://a,b;amqps://c", true],
  ["amqps://u:p@a:5671;amqps://u:p@b:5671", true],
  ["amqp://a,", false],
  ["amqp://a,,b", false],
  ["amqp://a;http://b", false],
  [";", false],
])("%s is a value for AMQP_URL: %s", (urls, expected) => expect(areAmqpUrls(urls)).toBe(expected));
