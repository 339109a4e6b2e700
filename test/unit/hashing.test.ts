import { concurrencyLimits } from "../../edge/policy/limits.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
process.env.DATA_DIR = folder.path;
const { hashPassword } = await import("../../services/users/password-hashing.ts");

const queueLimit = 150;
/** Keeps both lanes busy until released. */
async function busy() {
  const { promise: first, resolve: release } = Promise.withResolvers<undefined>();
  const held = [1, 2].map((n) =>
    hashPassword("held", { network: `held-${n}`, onTurn: async () => void (await first) }),
  );
  return { release: () => release(undefined), held };
}
/** Hashes a password. Adds the network to `turns` when it starts; resolves with "ok" or the error's type. */
const turn = (network: string, turns: string[]) =>
  hashPassword("waits", {
    network,
    onTurn: async () => void turns.push(network),
  }).then(
    () => "ok",
    (error: { type: string }) => error.type,
  );

it("serves networks round-robin, and each network in order", async () => {
  const { release, held } = await busy();
  const turns: string[] = [];
  const flood = Array.from({ length: 30 }, () => turn("flooder", turns));
  const others = ["b", "c", "d"].map((network) => turn(network, turns));

  release();
  await Promise.all([...held, ...flood, ...others]);

  expect(turns.slice(0, 5).toSorted()).toEqual(["b", "c", "d", "flooder", "flooder"]);
  expect(turns).toHaveLength(33);
});

it("bounds the queue in total and for each network, and serves all that are queued", async () => {
  const { release, held } = await busy();
  const stop = () => Promise.reject(Object.assign(new Error(), { type: "spared" }));
  const codeOf = (network: string) =>
    hashPassword("waits", { network, onTurn: stop }).catch(
      (error: { type: string }) => error.type,
    ) as Promise<string>;
  const flood = Array.from({ length: concurrencyLimits.hashesByNetwork }, () => codeOf("flooder"));
  const oneTooMany = await codeOf("flooder");
  const others = Array.from(
    { length: queueLimit - concurrencyLimits.hashesByNetwork - held.length },
    (_, n) => codeOf(`other-${n}`),
  );
  const aboveLimit = await codeOf("late");

  release();

  expect([oneTooMany, aboveLimit]).toEqual(["TOO_MANY_REQUESTS", "UNAVAILABLE"]);
  expect(new Set(await Promise.all([...flood, ...others]))).toEqual(new Set(["spared"]));
  await Promise.all(held);
  expect(await codeOf("flooder")).toBe("spared");
});

it("hashes nothing for a caller that waited too long", async () => {
  const { release, held } = await busy();
  const turns: string[] = [];
  const waited = turn("patient", turns);

  setTimeout(release, 4_500);

  expect(await waited).toBe("UNAVAILABLE");
  expect(turns).toEqual([]);
  await Promise.all(held);
  expect(await turn("patient", turns)).toBe("ok");
});
