import { readDelay } from "../../client/inbox/pace.ts";
import { InboxMerge } from "../../client/inbox/inbox-merge.ts";
import { InboxReader } from "../../client/inbox/inbox-reader.ts";
import { SoukError } from "../../client/souk-error.ts";
import type { InboxPage } from "../../client/notices.ts";

const { jest } = import.meta;
const inboxOf = (...ids: string[]): InboxPage => ({
  notifications: ids.map((id) => ({
    id,
    type: "notice" as const,
    text: "Hello",
    isRead: false,
    data: {},
    createdAt: `2026-01-01T00:00:0${id}.000Z`,
  })),
  unread: ids.length,
  nextCursor: null,
});

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  delete (globalThis as { document?: object }).document;
});

/** A page, as far as the client looks at it. */
const page = { visibilityState: "visible", hasFocus: () => true, addEventListener() {} };
const openPage = (state: Partial<typeof page>) =>
  Object.assign(globalThis, { document: { ...page, ...state } });

/** A reader whose server answers with `answer`, and the times of its reads in seconds. */
function reading(answer: () => InboxPage | SoukError = () => inboxOf()) {
  const merge = new InboxMerge(() => {});
  const from = performance.now();
  const reads: number[] = [];
  const calls = {
    all: async () => inboxOf(),
    unread: async () => {
      reads.push((performance.now() - from) / 1000);
      const given = answer();
      if (given instanceof SoukError) throw given;
      return given;
    },
    markRead: async () => ({ unread: 0 }),
    socketUrl: async () => "",
  };
  const reader: InboxReader = new InboxReader(
    calls,
    () => merge,
    () => reader.plan(),
  );
  reader.start();
  return { reader, merge, reads };
}
const seconds = (count: number) => jest.advanceTimersByTimeAsync(count * 1000);
const unavailable = (retryAfter?: number) =>
  new SoukError("UNAVAILABLE", "", { status: 503, ...(retryAfter && { retryAfter }) });

describe("an inbox that is not live", () => {
  it("is read within half a second after the first attempt to connect failed, and within 2 s when it hangs", async () => {
    const [failed, hanging] = [reading(), reading()];
    failed.reader.connectionFailed();
    await seconds(0.5);
    expect([failed.reads.length, hanging.reads.length]).toEqual([1, 0]);
    await seconds(1.6);
    expect([failed.reads.length, hanging.reads.length]).toEqual([1, 1]);
    expect(hanging.reader).toMatchObject({ isPolling: true, isLive: false, error: null });
  });

  it.each([
    ["focused", {}, 8, 20],
    ["visible", { hasFocus: () => false }, 4, 10],
    ["hidden", { visibilityState: "hidden" }, 1, 4],
  ])("is read at a bounded pace while the page is %s", async (_, state, least, most) => {
    openPage(state);
    const { reads } = reading();
    await seconds(300);
    expect(reads.length).toBeGreaterThanOrEqual(least);
    expect(reads.length).toBeLessThanOrEqual(most);
  });

  it("is read at the fastest pace again after news", async () => {
    let news = 0;
    const { reads } = reading(() => inboxOf(String(news)));
    await seconds(200);
    news = 1;
    const before = reads.length;
    await seconds(60);
    const waits = reads.slice(before).map((at, n, all) => at - (all[n - 1] ?? at));
    expect(Math.min(...waits.slice(1))).toBeLessThan(10);
  });

  it("is read within a second when the user is back, however often the page is focused", async () => {
    openPage({ visibilityState: "hidden" });
    const { reader, reads } = reading();
    await seconds(100);
    openPage({});
    const before = reads.length;
    for (let n = 0; n < 20; n++) {
      reader.returned();
      await seconds(0.1);
    }
    expect(reads.length - before).toBe(1);
  });

  it("keeps its notices and says why when a read fails, waits for Retry-After, and does not count as read", async () => {
    const answers: (InboxPage | SoukError)[] = [inboxOf("1"), unavailable(50)];
    const { reader, merge, reads } = reading(() => answers.shift() ?? inboxOf("1"));
    await seconds(20);
    expect(reads).toHaveLength(2);
    expect(reader).toMatchObject({ isPolling: false, error: { code: "UNAVAILABLE" } });
    expect(merge.notices.unread).toBe(1);
    await seconds(34);
    expect(reads).toHaveLength(2);
    await seconds(30);
    expect(reader).toMatchObject({ isPolling: true, error: null });
  });

  it("is unknown, and not empty, until a read has succeeded", async () => {
    let isUp = false;
    const { reader, merge } = reading(() => (isUp ? inboxOf() : unavailable()));
    await seconds(30);
    expect([merge.isLoaded, reader.readAt]).toEqual([false, null]);
    isUp = true;
    await seconds(60);
    expect([merge.isLoaded, merge.notices.unread]).toEqual([true, 0]);
  });

  it("is read no more once a connection has taken over, and again 3 to 5 s after that was lost", async () => {
    const { reader, merge, reads } = reading();
    await seconds(10);
    merge.merge(inboxOf(), merge.mark());
    reader.goLive();
    const before = reads.length;
    await seconds(600);
    expect([reads.length, reader.isPolling]).toEqual([before, false]);

    reader.connectionFailed();
    await seconds(2.9);
    expect(reads).toHaveLength(before);
    await seconds(2.2);
    expect(reads).toHaveLength(before + 1);
    reader.stop();
    await seconds(600);
    expect(reads).toHaveLength(before + 1);
  });
});

it.each([
  ["focused", 0, 3_750, 6_250],
  ["focused", 9, 22_500, 37_500],
  ["hidden", 0, 45_000, 75_000],
  ["hidden", 9, 225_000, 375_000],
] as const)(
  "waits with a jitter of a quarter: %s, after %d reads without news",
  (state, reads, least, most) => {
    expect([0, 1].map((random) => readDelay(state, reads, random))).toEqual([least, most]);
  },
);
