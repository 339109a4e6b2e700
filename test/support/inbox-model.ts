import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Fabric } from "./fabric.ts";

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ notify: fc.nat(9) }) },
  fc.record({ ids: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 4 }) }),
  fc.record({ until: fc.nat(9) }),
  fc.constant({ all: true as const }),
);
type Step = ReturnType<typeof step.generate>["value"];

const idOf = (n: number) => `notice-${n}`;

/** Pushes, repeats and reads notices in any order, and compares the inbox with a small model after every step. */
export const holdsToModel = (call: Fabric["call"]) =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps: Step[]) => {
      const user = randomUUID();
      /** Id → whether it is read, oldest first. */
      const model = new Map<string, boolean>();
      const left = () => [...model].filter(([, isRead]) => !isRead).map(([id]) => id);
      for (const step of steps) {
        if ("notify" in step) {
          const { id } = await call("notifications.notify", {
            id: idOf(step.notify),
            userId: user,
            text: "Item #1 was sold!",
          });
          if (!model.has(id)) model.set(id, false);
        } else {
          for (const id of readBy(model, step)) if (model.has(id)) model.set(id, true);
          expect(await call("notifications.read", asked(step), user)).toEqual({
            unread: left().length,
          });
        }
        const { unread, notifications } = await call("notifications.inbox", { unread: true }, user);
        expect([unread, notifications.map(({ id }) => id)]).toEqual([
          left().length,
          left().reverse(),
        ]);
      }
    }),
    { numRuns: 60 },
  );

type Reading = Exclude<Step, { notify: number }>;

function asked(step: Reading) {
  if ("ids" in step) return { ids: step.ids.map(idOf) };
  return "until" in step ? { all: true as const, until: idOf(step.until) } : { all: true as const };
}

/** The named ids; or all up to and including `until`, none when it is unknown; or all. */
function readBy(model: Map<string, boolean>, step: Reading): string[] {
  if ("ids" in step) return step.ids.map(idOf);
  const ids = [...model.keys()];
  return "until" in step ? ids.slice(0, ids.indexOf(idOf(step.until)) + 1) : ids;
}
