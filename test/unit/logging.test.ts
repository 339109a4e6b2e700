import { Writable } from "node:stream";
import { jest } from "@jest/globals";
import { Loggers, ServiceBroker, type BrokerOptions } from "moleculer";
import { pino } from "pino";
import { limited, logging, pinoOptions } from "../../broker/logging.ts";

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

  it("has the ids of the request that it names and of its trace, in our own lines and Moleculer's", () => {
    const requestId = "0b5c1a52-7f0e-4d3c-9a68-2f4f7d1e6a90";
    const ids = { requestId, traceId: "0b5c1a527f0e4d3c9a682f4f7d1e6a90" };
    expect(logged(`GET / failed with TIMEOUT, request ${requestId}: no answer`)).toMatchObject(ids);
    expect(logged("The request is rejected.", { requestID: requestId })).toMatchObject(ids);
    for (const line of ["a request without an id", `item ${requestId}`])
      expect(logged(line)).not.toHaveProperty("requestId");
  });

  it("has all arguments", () =>
    expect(logged("Nodes:", ["a", "b"], 2).msg).toBe("Nodes: [ 'a', 'b' ] 2"));
});

describe("the logger", () => {
  const typeOf = (embedded: boolean, isTerminal: boolean) =>
    logging({ embedded, logLevel: "info" }, isTerminal).logger;

  it("writes JSON on a cluster node whose output is not a terminal", () =>
    expect(typeOf(false, false)).toBeInstanceOf(Loggers.Pino));

  it.each([
    [false, true],
    [true, true],
    [true, false],
  ])("writes readable lines (embedded: %s, in a terminal: %s)", (embedded, isTerminal) =>
    expect(typeOf(embedded, isTerminal)).toBeInstanceOf(Loggers.Console),
  );

  it("names the node in a cluster's readable lines", () =>
    expect(typeOf(false, true)).toMatchObject({
      opts: { formatter: expect.stringContaining("{nodeID}") },
    }));
});

describe("a node", () => {
  class Listener extends Loggers.Base<object> {
    readonly lines: string[] = [];
    override getLogHandler() {
      return (type: string, args: unknown[]) => {
        if (!String(args).includes("$node"))
          this.lines.push(`${type} ${args.map(String).join(" ")}`);
      };
    }
  }
  /** A broker whose warnings and errors are in `lines`. */
  const listening = () => {
    const listener = new Listener({});
    const logger = limited(listener) as unknown as BrokerOptions["logger"];
    const broker = new ServiceBroker({ logger });
    listener.lines.length = 0;
    return { lines: listener.lines, broker };
  };
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it("logs at most a hundred warnings and errors a minute, and counts the others", async () => {
    const { lines, broker } = listening();

    for (let n = 0; n < 10_000; n++) {
      const path = `/market/items/${n.toString(36)}`;
      broker.logger.warn(`GET ${path} failed with TIMEOUT, request ${n}: no answer`);
      broker.logger.error(`POST ${path} failed with INTERNAL, request ${n}`, new Error("x"));
      broker.logger.warn("Request 'market.buy' is timed out.", { requestID: n });
    }
    for (const word of ["a", "b", "c"]) broker.logger.warn(`The ${word} is lost.`);
    await jest.advanceTimersByTimeAsync(60_000);

    expect(lines.length).toBeLessThanOrEqual(100);
    expect(lines).toEqual(
      expect.arrayContaining(["a", "b", "c"].map((word) => `warn The ${word} is lost.`)),
    );
    expect(lines.slice(-3)).toEqual(
      expect.arrayContaining([
        "warn 9990 more lines in the last minute were like this one: GET /market/items/0 failed with TIMEOUT, request 0: no answer",
        "warn 9990 more lines in the last minute were like this one: Request 'market.buy' is timed out.",
      ]),
    );
  });

  it("logs the first line of each kind while others repeat, and begins anew in the next minute", async () => {
    const { lines, broker } = listening();
    const word = (n: number) => "abcdefghij"[n]!;
    for (let n = 0; n < 1_000; n++) broker.logger.warn(`${word(n % 10)} repeats.`);
    broker.logger.warn("RabbitMQ is lost.");
    const first = lines.length;

    await jest.advanceTimersByTimeAsync(60_000);
    const summaries = lines.length - first;
    broker.logger.warn("a repeats.");

    expect(lines.slice(0, first)).toContain("warn RabbitMQ is lost.");
    expect([first, summaries, lines.at(-1)]).toEqual([61, 10, "warn a repeats."]);
  });

  it("logs every line of other levels", () => {
    const { lines, broker } = listening();

    for (let n = 0; n < 500; n++) broker.logger.debug("a detail");

    expect(lines).toHaveLength(500);
  });
});
