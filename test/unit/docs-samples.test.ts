import type { Call } from "../../web/docs/operation.ts";
import { curl, javaScript, prepare } from "../../web/docs/samples.ts";

const schema = { type: "string" };
const parameter = (name: string, place: "path" | "query" | "header") => ({
  ...{ name, in: place, required: place === "path", example: "x", schema },
});
const call = (change: Partial<Call>): Call => ({
  ...{ method: "POST", path: "/things/{id}", operationId: "x", summary: "", tags: [] },
  ...{ security: [{ accessToken: [] }], responses: { 200: { description: "" } } },
  parameters: [parameter("id", "path"), parameter("q", "query"), parameter("Key", "header")],
  ...change,
});

it("leaves out what is empty, and encodes the rest", () => {
  const body = '{\n  "a": "it\'s"\n}';
  expect(prepare(call({}), { values: { id: "a/b", q: "x&y z", Key: "" }, body })).toEqual({
    ...{ method: "POST", target: "/things/a%2Fb?q=x%26y+z", body },
    headers: { "content-type": "application/json" },
  });
  expect(prepare(call({}), { values: { id: "1", Key: "k" }, body: " " })).toEqual({
    ...{ method: "POST", target: "/things/1", body: undefined, headers: { Key: "k" } },
  });
});

it("writes a command for a shell, in which no value ends its quotation", () => {
  const filled = { values: { id: "1'; rm", Key: "k" }, body: '{"a": "it\'s"}' };
  expect(curl(call({}), filled, "http://h")).toBe(
    [
      String.raw`curl -X POST 'http://h/things/1'\''%3B%20rm' \
  -H "authorization: Bearer $TOKEN" \
  -H 'content-type: application/json' \
  -H 'Key: k' \
  -d '{"a":"it'\''s"}'`,
    ].join(""),
  );
});

it("writes JavaScript that is valid", () => {
  const filled = { values: { id: "1", Key: 'k"' }, body: '{"a": 1}' };
  for (const one of [call({}), call({ method: "GET", security: [] })]) {
    const code = javaScript(one, filled, "http://h");
    expect(() => new Function(`return async (accessToken) => {${code}}`)).not.toThrow();
  }
  expect(
    javaScript(call({ method: "GET", security: [] }), { values: {}, body: undefined }, "http://h"),
  ).toContain('await fetch("http://h/things/");');
});
