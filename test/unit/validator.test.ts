import type { TSchema } from "typebox";
import { checker } from "../../broker/validator.ts";

/** A schema that counts how often it is read. */
function counted(): { schema: TSchema; reads(): number } {
  let reads = 0;
  const schema = {
    get type() {
      reads++;
      return "string";
    },
  };
  return { schema, reads: () => reads };
}

it("compiles a schema at its first check, once for all its checkers", () => {
  const { schema, reads } = counted();

  const [first, second] = [checker(schema), checker(schema)];
  expect(reads()).toBe(0);

  expect(first("a")).toEqual([]);
  const afterFirst = reads();
  expect(afterFirst).toBeGreaterThan(0);
  expect(second("b")).toEqual([]);
  expect(reads()).toBe(afterFirst);
});
