import { jest } from "@jest/globals";
import { codeOf } from "../../broker/refusal.ts";
import { LoadShedder } from "../../edge/load-shedder.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A service that works on `workers` calls at a time, each for `ms`, in the order of arrival. */
class Service {
  readonly load = new LoadShedder(["market"], { max: 2_000, min: 200 }, () => {});
  completed = 0;
  /** Milliseconds that the responses of floods took. */
  took: number[] = [];
  readonly #ms: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(workers: number, ms: number) {
    [this.#free, this.#ms] = [workers, ms];
  }

  /** The code of a refused request; `ok` after its response. A call is given up after 5 s. */
  async request(network: string): Promise<string> {
    try {
      this.load.shedLoad("market", network);
      await this.load.run({
        service: "market",
        network,
        kind: "read",
        capacity: 100,
        isAbandoned: () => false,
        call: () => this.#work(),
      });
      return "ok";
    } catch (error) {
      return codeOf(error);
    }
  }

  async #work(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await sleep(this.#ms);
    this.completed++;
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  /** `count` clients of a network: each sends the next request after the response, or a second after a refusal. */
  flood(network: string, count: number): void {
    const client = async () => {
      for (;;) {
        const begun = performance.now();
        if ((await this.request(network)) === "ok") this.took.push(performance.now() - begun);
        else await sleep(1_000);
      }
    };
    for (let n = 0; n < count; n++) void client();
  }
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** One request every 100 ms of simulated time. Returns the codes, and the longest time to a response (ms). */
async function bystander(service: Service, network: string, seconds: number) {
  const codes = new Set<string>();
  let [requests, refused, longest] = [0, 0, 0];
  for (let n = 0; n < seconds * 10; n++) {
    const begun = performance.now();
    void service.request(network).then((code) => {
      requests++;
      if (code !== "ok") refused++;
      codes.add(code);
      longest = Math.max(longest, performance.now() - begun);
    });
    await jest.advanceTimersByTimeAsync(100);
  }
  await jest.advanceTimersByTimeAsync(10_000);
  return { requests, refused, longest };
}

describe("while a service is slow", () => {
  it.each([
    ["one stranger", 1],
    ["five strangers", 5],
  ])(
    "a network with few requests gets its responses, however many %s send",
    async (_who, count) => {
      // A database that answers after 0.7 s over 50 connections.
      const service = new Service(50, 700);
      for (let n = 0; n < count; n++) service.flood(`stranger ${n}`, 800);

      const { requests, refused, longest } = await bystander(service, "bystander", 10);

      expect([requests, refused]).toEqual([100, 0]);
      expect(longest).toBeLessThan(4_000);
      expect(service.completed / 20).toBeGreaterThan(0.95 * (50 / 0.7));
    },
  );

  it("a network that sends too much waits about half a second, although the calls of another one are fast", async () => {
    const service = new Service(50, 50);
    service.flood("stranger", 1_500);

    const { refused } = await bystander(service, "bystander", 10);

    expect(refused).toBe(0);
    const late = service.took.slice(service.took.length / 2).toSorted((a, b) => a - b);
    expect(late[Math.floor(late.length * 0.9)]).toBeLessThan(1_000);
    expect(service.completed / 20).toBeGreaterThan(0.95 * 1_000);
  });

  it("networks with few requests do not make the queue longer for each other", async () => {
    const service = new Service(50, 100);
    // A thousand people send a request every second, twice of what the service can do.
    const crowd = Array.from({ length: 1_000 }, (_, n) => `person ${n}`);
    const took: number[] = [];
    for (let second = 0; second < 15; second++)
      for (const [n, person] of crowd.entries()) {
        const begun = performance.now();
        void service.request(person).then((code) => {
          if (code === "ok" && second > 5) took.push(performance.now() - begun);
        });
        if (n % 10 === 9) await jest.advanceTimersByTimeAsync(10);
      }

    expect(took.length).toBeGreaterThan(0.9 * 9 * 500);
    expect(took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)]).toBeLessThan(1_000);
  });
});

it("drops a call whose client has gone before its turn", async () => {
  const { load } = new Service(1, 1);
  let made = 0;

  const call = load.run({
    service: "market",
    network: "a",
    kind: "read",
    capacity: 100,
    isAbandoned: () => true,
    call: async () => made++,
  });

  await expect(call).rejects.toMatchObject({ type: "UNAVAILABLE" });
  expect(made).toBe(0);
});
