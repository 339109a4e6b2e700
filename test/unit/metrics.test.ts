import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { meterOf } from "../../broker/metrics/meter.ts";
import { expositionOf, withMetrics } from "../../broker/metrics/exposition.ts";
import { metrics } from "../../broker/metrics/table.ts";
import type { Result } from "../../services/deliveries/attempt.ts";
import { countAttempt } from "../../services/deliveries/measure.ts";

const docs = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");

it("docs/metrics.md has the name, type, labels and description of every metric", () => {
  const rows = [...docs.matchAll(/^\| `([a-z_]+)` +\| (\w+) +\| ([^|]*)\| ([^|]*?) *\|$/gm)].map(
    ([, name, type, labels, help]) => [
      name,
      { type, labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label), help },
    ],
  );
  const expected = Object.entries(metrics).map(([name, { type, labels, help }]) => [
    name,
    { type, labels: [...labels], help },
  ]);
  expect(rows).toEqual(expected);
});

it("a counter is a number of events, and its first event an increase", async () => {
  const broker = new ServiceBroker({ logger: false, ...withMetrics([]) });
  const meter = meterOf(broker);
  meter.begin("souk_amqp_reconnects_total");
  const before = await expositionOf(broker);
  meter.count("souk_amqp_reconnects_total");
  meter.count("souk_suspicions_total", { reason: "gone" });

  expect(before).toMatch(/^souk_amqp_reconnects_total 0$/m);
  const after = await expositionOf(broker);
  expect(after).toMatch(/^souk_amqp_reconnects_total 1$/m);
  expect(after).toMatch(/^souk_suspicions_total\{reason="gone"\} 1$/m);
  expect(after).toMatch(/^# TYPE souk_suspicions_total counter$/m);
});

it("a histogram has cumulative buckets in ascending order, a sum and a count, and no negative time", async () => {
  const broker = new ServiceBroker({ logger: false, ...withMetrics([]) });
  const meter = meterOf(broker);
  for (const seconds of [-5, 0.003, 2, 1e6]) meter.observe("souk_sale_to_stored_seconds", seconds);

  const text = await expositionOf(broker);
  const buckets = [...text.matchAll(/_bucket\{le="(.*)"\} (\d+)/g)].map(([, le, n]) => [le, n]);
  expect(buckets.at(0)).toEqual(["0.005", "2"]);
  expect(buckets.at(-2)).toEqual(["14400", "3"]);
  expect(buckets.at(-1)).toEqual(["+Inf", "4"]);
  const bounds = buckets.slice(0, -1).map(([le]) => Number(le));
  expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
  expect(text).toMatch(/_sum 1000002\.003\n.*_count 4\n/);
});

it("a collector that fails or was cleared leaves no stale value, and the others stay", async () => {
  const broker = new ServiceBroker({ logger: false, ...withMetrics([]) });
  const meter = meterOf(broker);
  let isAway = false;
  meter.collect(() => {
    if (isAway) meter.clear("souk_deliveries_pending");
    else meter.set("souk_deliveries_pending", 7, { channel: "mail" });
    if (isAway) throw new Error("away");
  });
  meter.collect(() => meter.set("souk_amqp_connected", 1));

  expect(await expositionOf(broker)).toMatch(/^souk_deliveries_pending\{channel="mail"\} 7$/m);
  isAway = true;
  expect(await expositionOf(broker)).not.toMatch(/souk_deliveries_pending/);
  expect(await expositionOf(broker)).toMatch(/^souk_amqp_connected 1$/m);
});

it("without metrics nothing is registered, collected or measured, and Moleculer's own are never", async () => {
  const broker = new ServiceBroker({ logger: false });
  const meter = meterOf(broker);
  meter.count("souk_amqp_reconnects_total");
  meter.collect(() => expect(true).toBe(false));
  await meter.collectAll();
  expect([meter.isOn, broker.metrics.store.size]).toEqual([false, 0]);

  const on = new ServiceBroker({ logger: false, ...withMetrics([]) });
  on.createService({ name: "a", actions: { b: () => "c" } });
  await on.start();
  expect(await on.call("a.b")).toBe("c");
  expect(await expositionOf(on)).not.toMatch(/moleculer/);
  await on.stop();
});

it("a delivery counts an attempt by its result, and none in quiet hours or while a service of Souk is unavailable", async () => {
  const broker = new ServiceBroker({ logger: false, ...withMetrics([]) });
  const reason = "x";
  const results: Result[] = [
    { state: "delivered" },
    { state: "retry", reason },
    { state: "retry", reason, isAttempt: true },
    { state: "retry", reason, isAttempt: false },
    { state: "quiet", until: new Date() },
    { state: "gone", reason },
    { state: "refused", reason },
    { state: "dropped", reason },
  ];
  for (const result of results) countAttempt(meterOf(broker), "push", result);

  const counted = [...(await expositionOf(broker)).matchAll(/result="(\w+)"\} (\d+)/g)];
  expect(Object.fromEntries(counted.map(([, result, count]) => [result, count]))).toEqual({
    ...{ delivered: "1", retry: "2", gone: "1", refused: "1", dropped: "1" },
  });
});
