import { AdmissionControl } from "../../edge/policy/admission-control.ts";

const max = 2_000;
const min = 200;

/** Serves calls in the order of arrival, on a clock of its own in ms. */
class Service {
  readonly admission = new AdmissionControl(max, min);
  readonly completed: { at: number; took: number }[] = [];
  shed = 0;
  readonly #inFlight: number[] = [];
  #now = 0;

  /** `count` calls arrive at the current time. */
  arrive(count: number): void {
    for (let n = 0; n < count; n++) {
      if (this.admission.isFull) this.shed++;
      else {
        this.admission.admit();
        this.#inFlight.push(this.#now);
      }
    }
  }

  /** For `seconds`, calls arrive and are served at these rates per second; each takes at least `leastMs`. */
  work(seconds: number, arrivals: number, capacity: number, leastMs = 5): void {
    const end = this.#now + seconds * 1000;
    for (let arriving = 0, free = 0; this.#now < end; this.#now++) {
      arriving += arrivals / 1000;
      this.arrive(Math.floor(arriving));
      arriving %= 1;
      for (free += capacity / 1000; free >= 1 && this.#now - this.#inFlight[0]! >= leastMs; free--)
        this.#serve();
      free = Math.min(free, 1);
    }
  }

  /** One call that takes no time. */
  completeOne(): void {
    this.admission.admit();
    this.admission.release(this.#now, this.#now);
  }

  #serve(): void {
    const admittedAt = this.#inFlight.shift()!;
    this.admission.release(admittedAt, this.#now);
    this.completed.push({ at: this.#now, took: this.#now - admittedAt });
  }

  tookAfter(second: number): number[] {
    return this.completed.filter(({ at }) => at > second * 1000).map(({ took }) => took);
  }
}

it("admits a burst of a thousand calls, and the calls that arrive while it is served", () => {
  const service = new Service();

  service.arrive(1_000);
  service.work(0.9, 300, 600);

  expect(service.shed).toBe(0);
});

it("sheds the excess of twice the capacity: no call waits two seconds, and the service stays busy", () => {
  const service = new Service();

  service.work(20, 1_200, 600);

  expect(Math.max(...service.tookAfter(0))).toBeLessThan(2_000);
  const calls = service.tookAfter(4);
  expect(Math.max(...calls)).toBeLessThan(750);
  expect(calls.length / 16).toBeGreaterThan(595);
});

it("admits at most a thousand calls before it recognises an overload", () => {
  const service = new Service();

  service.work(10, 2_400, 400);

  expect(Math.max(...service.tookAfter(0))).toBeLessThanOrEqual((1_300 / 400) * 1000);
  expect(Math.max(...service.tookAfter(6))).toBeLessThan(750);
});

it.each([100, 300, 3_000])("finds the limit for a capacity of %d calls a second", (perSecond) => {
  const service = new Service();

  service.work(20, 3 * perSecond, perSecond);

  expect(service.shed).toBeGreaterThan(0);
  expect(Math.max(...service.tookAfter(8))).toBeLessThanOrEqual(
    Math.max(750, (min / perSecond) * 1_000 + 10),
  );
  expect(service.tookAfter(8).length / 12).toBeGreaterThan(0.99 * perSecond);
});

it("raises the limit when the service becomes faster", () => {
  const service = new Service();

  service.work(10, 2_000, 400);
  const before = service.completed.length;
  service.work(10, 2_000, 1_200);

  expect(service.completed.length - before).toBeGreaterThan(10 * 1_100);
  expect(Math.max(...service.tookAfter(14))).toBeLessThan(1_100);
});

it("keeps the queue short and the service busy when its capacity varies", () => {
  const service = new Service();

  for (let second = 0; second < 30; second++) {
    service.work(0.5, 1_600, 400);
    service.work(0.5, 1_600, 1_200);
  }

  expect(Math.max(...service.tookAfter(5))).toBeLessThan(1_000);
  expect(service.tookAfter(5).length / 25).toBeGreaterThan(0.98 * 800);
});

it("does not reopen for a single fast call", () => {
  const service = new Service();

  for (let n = 0; n < 10; n++) {
    service.work(2, 6_400, 800);
    service.completeOne();
  }

  expect(Math.max(...service.tookAfter(6))).toBeLessThan(1_300);
});

it("restores the full limit when calls are fast, although many are in flight", () => {
  const service = new Service();
  service.work(10, 1_200, 600);
  const { limit } = service.admission;

  service.work(3, 1_200, 3_000, 150);

  expect(limit).toBeLessThan(400);
  expect(service.admission.limit).toBe(max);
});

it("admits a burst of a thousand calls as soon as the queue is gone", () => {
  const service = new Service();
  service.work(10, 1_200, 600);
  const { shed } = service;

  service.work(3, 300, 600);
  service.arrive(1_000);

  expect(shed).toBeGreaterThan(1_000);
  expect(service.shed).toBe(shed);
});

it("does not take slow calls for a queue while other calls are fast", () => {
  const admission = new AdmissionControl(max, min);
  // 500 calls in flight that take 3 s each, and ten calls a second that take 50 ms.
  for (let n = 0; n < 500; n++) admission.admit();

  for (let now = 0; now < 20_000; now += 10) {
    admission.release(now - 3_000, now);
    admission.admit();
    if (now % 100 === 0) {
      admission.admit();
      admission.release(now - 50, now);
    }
  }

  expect(admission.limit).toBeGreaterThanOrEqual(1_000);
});

it("does not take a few calls for a queue, however slow they are", () => {
  const admission = new AdmissionControl(max, min);
  for (let n = 0; n < min / 2; n++) admission.admit();

  for (let now = 0; now < 20_000; now += 100) {
    admission.release(now - 3_000, now);
    admission.admit();
  }

  expect(admission.limit).toBe(max);
});

it("keeps the limit between the minimum and the maximum", () => {
  const slow = new Service();
  slow.work(60, 500, 10);
  expect(slow.admission.limit).toBe(min);

  const few = new AdmissionControl(20, min);
  for (let n = 0; n < 20; n++) few.admit();
  expect(few.isFull).toBe(true);
});
