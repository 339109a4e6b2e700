import { AdmissionControl } from "../../edge/policy/admission-control.ts";

const most = 2_000;
const fewest = 200;

/** A service that serves in the order of coming, in ms of its own clock. */
class Service {
  readonly places = new AdmissionControl(most, fewest);
  readonly served: { at: number; took: number }[] = [];
  refused = 0;
  readonly #inHand: number[] = [];
  #now = 0;

  /** They come in this instant. */
  ask(count: number): void {
    for (let n = 0; n < count; n++) {
      if (this.places.isFull) this.refused++;
      else {
        this.places.admit();
        this.#inHand.push(this.#now);
      }
    }
  }

  /** For so long (s) so many are asked and can be served a second; each takes some ms also where none is before it. */
  work(seconds: number, asked: number, canServe: number, least = 5): void {
    const end = this.#now + seconds * 1000;
    for (let coming = 0, free = 0; this.#now < end; this.#now++) {
      coming += asked / 1000;
      this.ask(Math.floor(coming));
      coming %= 1;
      for (free += canServe / 1000; free >= 1 && this.#now - this.#inHand[0]! >= least; free--)
        this.#serve();
      free = Math.min(free, 1);
    }
  }

  /** One comes that is done at once. */
  isQuick(): void {
    this.places.admit();
    this.places.release(this.#now, this.#now);
  }

  #serve(): void {
    const entered = this.#inHand.shift()!;
    this.places.release(entered, this.#now);
    this.served.push({ at: this.#now, took: this.#now - entered });
  }

  tookAfter(second: number): number[] {
    return this.served.filter(({ at }) => at > second * 1000).map(({ took }) => took);
  }
}

it("lets in a thousand who come at once, and those who come while they are served, though they all wait", () => {
  const service = new Service();

  service.ask(1_000);
  service.work(0.9, 300, 600);

  expect(service.refused).toBe(0);
});

it("refuses what would only wait: of twice as many as can be served, nobody waits for two seconds and all that can be served are", () => {
  const service = new Service();

  service.work(20, 1_200, 600);

  expect(Math.max(...service.tookAfter(0))).toBeLessThan(2_000);
  const calls = service.tookAfter(4);
  expect(Math.max(...calls)).toBeLessThan(750);
  expect(calls.length / 16).toBeGreaterThan(595);
});

it("takes in no more than a thousand of a storm before it knows that it is one", () => {
  const service = new Service();

  service.work(10, 2_400, 400);

  expect(Math.max(...service.tookAfter(0))).toBeLessThanOrEqual((1_300 / 400) * 1000);
  expect(Math.max(...service.tookAfter(6))).toBeLessThan(750);
});

it.each([100, 300, 3_000])(
  "finds by itself how many that are, where %d a second are served",
  (perSecond) => {
    const service = new Service();

    service.work(20, 3 * perSecond, perSecond);

    expect(service.refused).toBeGreaterThan(0);
    expect(Math.max(...service.tookAfter(8))).toBeLessThanOrEqual(
      Math.max(750, (fewest / perSecond) * 1_000 + 10),
    );
    expect(service.tookAfter(8).length / 12).toBeGreaterThan(0.99 * perSecond);
  },
);

it("follows a service that becomes faster", () => {
  const service = new Service();

  service.work(10, 2_000, 400);
  const before = service.served.length;
  service.work(10, 2_000, 1_200);

  expect(service.served.length - before).toBeGreaterThan(10 * 1_100);
  expect(Math.max(...service.tookAfter(14))).toBeLessThan(1_100);
});

it("keeps the queue short also where a service stutters, and keeps it busy", () => {
  const service = new Service();

  for (let second = 0; second < 30; second++) {
    service.work(0.5, 1_600, 400);
    service.work(0.5, 1_600, 1_200);
  }

  expect(Math.max(...service.tookAfter(5))).toBeLessThan(1_000);
  expect(service.tookAfter(5).length / 25).toBeGreaterThan(0.98 * 800);
});

it("is not led to let everybody in by a quick call now and then", () => {
  const service = new Service();

  for (let n = 0; n < 10; n++) {
    service.work(2, 6_400, 800);
    service.isQuick();
  }

  expect(Math.max(...service.tookAfter(6))).toBeLessThan(1_300);
});

it("has all places again when calls are quick, though many are in hand all the time", () => {
  const service = new Service();
  service.work(10, 1_200, 600);
  const { limit } = service.places;

  service.work(3, 1_200, 3_000, 150);

  expect(limit).toBeLessThan(400);
  expect(service.places.limit).toBe(most);
});

it("lets in a thousand at once as soon as the queue is gone", () => {
  const service = new Service();
  service.work(10, 1_200, 600);
  const { refused } = service;

  service.work(3, 300, 600);
  service.ask(1_000);

  expect(refused).toBeGreaterThan(1_000);
  expect(service.refused).toBe(refused);
});

it("does not take for a queue what is slow by itself, while something else is quick", () => {
  const places = new AdmissionControl(most, fewest);
  // Five hundred that take 3 s, over and over; beside them one a tenth of a second that takes 50 ms.
  for (let n = 0; n < 500; n++) places.admit();

  for (let now = 0; now < 20_000; now += 10) {
    places.release(now - 3_000, now);
    places.admit();
    if (now % 100 === 0) {
      places.admit();
      places.release(now - 50, now);
    }
  }

  expect(places.limit).toBeGreaterThanOrEqual(1_000);
});

it("does not take a few for a queue, however long they take", () => {
  const places = new AdmissionControl(most, fewest);
  for (let n = 0; n < fewest / 2; n++) places.admit();

  for (let now = 0; now < 20_000; now += 100) {
    places.release(now - 3_000, now);
    places.admit();
  }

  expect(places.limit).toBe(most);
});

it("has never fewer than the fewest, and never more than the most", () => {
  const slow = new Service();
  slow.work(60, 500, 10);
  expect(slow.places.limit).toBe(fewest);

  const few = new AdmissionControl(20, fewest);
  for (let n = 0; n < 20; n++) few.admit();
  expect(few.isFull).toBe(true);
});
