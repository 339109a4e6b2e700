import { Validator } from "@seriousme/openapi-schema-validator";
import { checker } from "../../broker/validator.ts";
import { actions } from "../../contracts/actions.ts";
import { idempotencyHeader, routes, type Route } from "../../contracts/routes.ts";
import type { Shape } from "../../edge/spec/example.ts";
import { gateway, type Gateway } from "../support/gateway.ts";

interface Operation {
  operationId: string;
  security: object[];
  parameters?: {
    name: string;
    in: string;
    required: boolean;
    description?: string;
    example: unknown;
  }[];
  requestBody?: {
    required: boolean;
    content: Record<
      string,
      { schema: { properties?: object; required?: string[] }; example: object }
    >;
  };
  responses: Record<string, { content?: Record<string, { schema: object; example?: unknown }> }>;
}

let at: Gateway;
let document: { openapi: string; paths: Record<string, Record<string, Operation>> };
beforeAll(async () => {
  at = await gateway();
  document = (await at.call("GET", "/openapi.json")).body;
});
afterAll(() => at.stop());

const toTemplate = (path: string) => path.replace(/:(\w+)/g, "{$1}");
const operationOf = ({ method, path }: Route) =>
  document.paths[toTemplate(path)]?.[method.toLowerCase()];
const route = (action: string): Operation =>
  operationOf(routes.find((each) => each.action === action)!)!;

describe("/openapi.json", () => {
  it("is valid OpenAPI 3.1", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  it("has every route and no other, with its security and success status", async () => {
    for (const each of routes) {
      const { operationId, security, responses } = operationOf(each)!;
      expect(operationId).toBe(each.action);
      expect(security).toEqual(each.who === "user" ? [{ accessToken: [] }] : []);
      expect(Object.keys(responses).filter((status) => status < "400")).toEqual([
        String(each.success),
      ]);
    }
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const others = ["get /config.json", "get /health/live", "get /health/ready"];
    expect(listed.sort()).toEqual(
      [
        ...routes.map(({ method, path }) => `${method.toLowerCase()} ${toTemplate(path)}`),
        ...others,
      ].sort(),
    );
  });

  it("declares the place of each param, and which are required", () => {
    expect(route("market.revise").parameters).toMatchObject([
      { name: "id", in: "path", required: true },
    ]);
    expect(
      Object.keys(
        route("market.revise").requestBody!.content["application/json"]!.schema.properties!,
      ),
    ).not.toContain("id");
    expect(
      route("market.items").parameters!.map((one) => [one.name, one.in, one.required]),
    ).toEqual(
      ["search", "sellerId", "sold", "sort", "limit", "cursor"].map((name) => [
        name,
        "query",
        false,
      ]),
    );
    expect(route("market.buy").requestBody!.required).toBe(false);
    expect(route("users.login").requestBody).toMatchObject({
      required: true,
      content: { "application/json": { schema: { required: ["email", "password"] } } },
    });
  });

  it("declares Idempotency-Key on every route that creates something, and on no other", () => {
    for (const each of routes) {
      const { parameters = [], requestBody, responses } = operationOf(each)!;
      const { properties = {} } = requestBody?.content["application/json"]?.schema ?? {};
      const isCreating = each.success === 201;
      expect(parameters.some(({ name }) => name === "Idempotency-Key")).toBe(isCreating);
      expect("422" in responses).toBe(isCreating);
      if (isCreating) expect(Object.keys(properties)).not.toContain("idempotencyKey");
    }
  });

  it("describes each field of a request", () => {
    const undescribed = ({ properties = {}, anyOf = [] }: Shape): string[] => [
      ...Object.entries(properties).flatMap(([name, { description, anyOf = [] }]) =>
        (description ?? anyOf[0]?.description) ? [] : [name],
      ),
      ...anyOf.flatMap(undescribed),
    ];
    for (const each of routes)
      expect([each.action, undescribed(actions[each.action].params as Shape)]).toEqual([
        each.action,
        [],
      ]);
    for (const one of Object.values(document.paths).flatMap((path) => Object.values(path)))
      for (const { description } of one.parameters ?? []) expect(description).toMatch(/\.$/);
  });

  it("has examples that the server would accept and send", () => {
    for (const each of routes) {
      const { parameters = [], requestBody, responses } = operationOf(each)!;
      const given = Object.fromEntries(parameters.map(({ name, example }) => [name, example]));
      const { [idempotencyHeader]: key, ...params } = given;
      const input = {
        ...params,
        ...(key !== undefined && { idempotencyKey: key }),
        ...requestBody?.content["application/json"]!.example,
      };
      expect([each.action, checker(actions[each.action].params)(input)]).toEqual([each.action, []]);
      const { content } = responses[each.success]!;
      const { result } = actions[each.action];
      if (content) expect(checker(result)(content["application/json"]!.example)).toEqual([]);
    }
  });

  it("lists the codes of each refusal", () => {
    const { responses } = route("market.buy");
    const codes = (status: number, of = responses) =>
      (
        of[status]?.content?.["application/problem+json"]?.schema as {
          properties: { code: { enum: string[] } };
        }
      ).properties.code.enum;
    expect(codes(404)).toEqual(["ITEM_NOT_FOUND", "ITEM_SOLD"]);
    expect(codes(409)).toEqual(["PRICE_CHANGED", "ITEM_CHANGED"]);
    expect(codes(401)).toEqual(["UNAUTHENTICATED"]);
    expect(codes(401, route("users.login").responses)).toEqual(["INVALID_CREDENTIALS"]);
    expect(responses["204"]).toBeUndefined();
    expect(route("market.withdraw").responses["204"]).not.toHaveProperty("content");
  });

  it("is 304 for a client that has it", async () => {
    const { headers } = await at.call("GET", "/openapi.json");
    const etag = headers.get("etag")!;
    for (const known of [etag, `"x", W/${etag}`, "*"]) {
      const answer = await at.call("GET", "/openapi.json", { headers: { "if-none-match": known } });
      expect([answer.status, answer.text, answer.headers.get("etag")]).toEqual([304, "", etag]);
    }
    expect(
      (await at.call("GET", "/openapi.json", { headers: { "if-none-match": '"x"' } })).status,
    ).toBe(200);
    expect((await at.call("HEAD", "/openapi.json")).text).toBe("");
    expect((await at.call("POST", "/openapi.json")).status).toBe(405);
  });
});
