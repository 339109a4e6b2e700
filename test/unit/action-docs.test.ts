import { expect, it } from "@jest/globals";
import { paramsDoc } from "../../broker/action-docs.ts";
import { actions } from "../../contracts/actions.ts";

it("params are shown by name and type, with optional ones marked", () => {
  expect(paramsDoc(actions["market.buy"].params)).toEqual({
    id: "string",
    price: "integer|optional",
    revision: "integer|optional",
  });
});

it("params with alternatives are shown together, all of them optional", () => {
  expect(Object.keys(paramsDoc(actions["notifications.read"].params)).toSorted()).toEqual([
    "all",
    "ids",
    "until",
  ]);
});

it("an action without params shows none", () =>
  expect(paramsDoc(actions["market.health"].params)).toEqual({}));
