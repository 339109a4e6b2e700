import { Writable } from "node:stream";
import { pino } from "pino";
import { pinoOptions } from "../../broker/logging.ts";

/** What a node of a cluster prints for these words. */
function logged(...said: unknown[]): Record<string, unknown> {
  let line = "";
  const logger = pino(
    pinoOptions("info"),
    new Writable({ write: (chunk, _encoding, done) => done(void (line += chunk)) }),
  );
  (logger.error as (...said: unknown[]) => void)(...said);
  return JSON.parse(line) as Record<string, unknown>;
}

describe("a line of a cluster's log", () => {
  it("has an error's message and stack, wherever it stands among the words", () => {
    const error = new TypeError("x is undefined");
    for (const said of [
      ["POST /users → INTERNAL", error],
      [error, "POST /users → INTERNAL"],
    ])
      expect(logged(...said)).toMatchObject({
        msg: "POST /users → INTERNAL",
        err: { message: "x is undefined", stack: expect.stringMatching(/at /) },
      });
    expect(logged(error)).toMatchObject({ msg: "x is undefined", err: {} });
  });

  it("has all its words", () =>
    expect(logged("Nodes:", ["a", "b"], 2).msg).toBe("Nodes: [ 'a', 'b' ] 2"));
});
