import { Writable } from "node:stream";
import { pino } from "pino";
import { logging, pinoOptions } from "../../broker/logging.ts";

/** The JSON line that a cluster node prints for these arguments. */
function logged(...args: unknown[]): Record<string, unknown> {
  let line = "";
  const logger = pino(
    pinoOptions("info"),
    new Writable({ write: (chunk, _encoding, done) => done(void (line += chunk)) }),
  );
  (logger.error as (...args: unknown[]) => void)(...args);
  return JSON.parse(line) as Record<string, unknown>;
}

describe("a JSON line of a cluster's log", () => {
  it("has an error's message and stack, at any position among the arguments", () => {
    const error = new TypeError("x is undefined");
    for (const args of [
      ["POST /users → INTERNAL", error],
      [error, "POST /users → INTERNAL"],
    ])
      expect(logged(...args)).toMatchObject({
        msg: "POST /users → INTERNAL",
        err: { message: "x is undefined", stack: expect.stringMatching(/at /) },
      });
    expect(logged(error)).toMatchObject({ msg: "x is undefined", err: {} });
  });

  it("has all arguments", () =>
    expect(logged("Nodes:", ["a", "b"], 2).msg).toBe("Nodes: [ 'a', 'b' ] 2"));
});

describe("the logger", () => {
  const typeOf = (embedded: boolean, isTerminal: boolean) =>
    logging({ embedded, logLevel: "info" }, isTerminal).logger;

  it("writes JSON on a cluster node whose output is not a terminal", () =>
    expect(typeOf(false, false)).toMatchObject({ type: "Pino" }));

  it.each([
    [false, true],
    [true, true],
    [true, false],
  ])("writes readable lines (embedded: %s, in a terminal: %s)", (embedded, isTerminal) =>
    expect(typeOf(embedded, isTerminal)).toMatchObject({ type: "Console" }),
  );

  it("names the node in a cluster's readable lines", () =>
    expect(typeOf(false, true)).toMatchObject({
      options: { formatter: expect.stringContaining("{nodeID}") },
    }));
});
