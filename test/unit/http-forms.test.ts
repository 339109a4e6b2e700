/** What a request may look like: media types, request targets, bodies. */
import type { IncomingMessage } from "node:http";
import { isJson, prefersHtml } from "../../edge/media-type.ts";
import { repeatedName } from "../../edge/repeated-name.ts";
import { toOriginForm } from "../../edge/request-target.ts";
import { runningTime } from "../support/running-time.ts";

it.each([
  ...[
    "application/json",
    "Application/JSON",
    "application/json;",
    "application/json; charset=utf8",
  ],
  ...['application/json;charset="UTF-8"', "application/json; profile=x; charset=utf-8"],
  ...[
    'application/json; profile="a;charset=latin1"',
    "application/vnd.api+json",
    "application/json ",
  ],
  ...[
    "application/merge-patch+json; charset=utf-8",
    "application/ld+json;profile=x",
    "image/x+json",
  ],
])("%s is JSON in UTF-8", (type) => expect(isJson(type)).toBe(true));

it.each([
  ...["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=json"],
  ...["application/json; charset=latin1", "application/vnd.api+json; charset=utf-16", "json"],
  ...["application/jsonx", "application/+json", "application/json, application/json", "a/b+json+x"],
  ...["text/plain; a=application/json", "application/xml+jsonp", "+json"],
])("%s is not", (type) => expect(isJson(type)).toBe(false));

it.each([
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
  ["text/html", true],
  ["TEXT/HTML;q=0.5, application/json;q=0.4", true],
  ["application/json, text/html;q=0.9", false],
  ["application/problem+json, text/html; q=0.1", false],
  ["text/html;q=0", false],
  ["application/json, text/plain, */*", false],
  ["*/*", false],
  ["image/avif,image/webp,*/*", false],
  [undefined, false],
])("Accept: %s asks for a page: %s", (accept, expected) =>
  expect(prefersHtml(accept)).toBe(expected),
);

describe("a name that an object has twice", () => {
  it.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"b":{"c":[{},{"d":1,"e":2,"d":3}]}}', "b.c.1.d"],
    ['{"a":1, "\\u0061" : 1}', "a"],
    ['{"a\\"b":1,"a\\"b":1}', 'a"b'],
    ['{"":1,"":2}', '""'],
    ['{"a":{"":1,"":2}}', 'a.""'],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['[{"a":1},[{"b":1,"b":1}]]', "1.0.b"],
    ['{"a":{"x":1},"b":{"x":1},"a":{}}', "a"],
    ['\n{ "a" :\t"}{,:" ,\r\n"a"\n:\n"x" }', "a"],
  ])("in %s is %s", (json, name) => expect(repeatedName(json)).toBe(name));

  it.each([
    '{"a":1,"b":2}',
    '{"a":{"a":{"a":[{"a":1},{"a":2}]}}}',
    '{"a":"a","b":"a\\":","c":"\\\\","d":["a","a"]}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"A":1,"a":1,"toString":1,"constructor":1}',
    "[1,1]",
    '"a"',
    "{}",
    "1e5",
  ])("is not in %s", (json) => expect(repeatedName(json)).toBeUndefined());

  it("is found in linear time", () => {
    const took = (json: string) => {
      JSON.parse(json);
      const start = runningTime();
      repeatedName(json);
      return runningTime() - start;
    };
    const n = 200_000;
    for (const json of [
      `${"[".repeat(1000)}"${"\\\\".repeat(n)}"${"]".repeat(1000)}`,
      `["${'\\"'.repeat(n)}"]`,
      `{"a":"x"${" ".repeat(n)}}`,
      `[${'"a" ,'.repeat(n)}1]`,
      `{${Array.from({ length: n / 4 }, (_, i) => `"${i}":1`).join()}}`,
    ])
      expect(took(json)).toBeLessThan(5_000);
  });
});

describe("a request's target", () => {
  const requested = (url: string, host?: string, httpVersion = "1.1") => {
    const req = { url, headers: { ...(host !== undefined && { host }) }, httpVersion };
    toOriginForm(req as IncomingMessage);
    return [req.url, req.headers.host];
  };

  it.each([
    ["http://a:1/market/items?x=http://b", ["/market/items?x=http://b", "a:1"]],
    ["HTTPS://A", ["/", "A"]],
    ["http://[::1]:3000?x=1", ["/?x=1", "[::1]:3000"]],
    ["/market/items", ["/market/items", "h"]],
    ["//a/b", ["//a/b", "h"]],
    ["http://u@a/b", ["http://u@a/b", "h"]],
    ["ftp://a/b", ["ftp://a/b", "h"]],
    ["http:///b", ["http:///b", "h"]],
    ["*", ["*", "h"]],
  ])("%s becomes %j", (url, expected) => expect(requested(url, "h")).toEqual(expected));

  it("replaces one Host header, but neither several nor a missing one", () => {
    expect(requested("http://a/", "b, c")).toEqual(["/", "b, c"]);
    expect(requested("http://a/")).toEqual(["/", undefined]);
    expect(requested("http://a/", undefined, "1.0")).toEqual(["/", "a"]);
  });
});
