import { argon2Sync, randomBytes } from "node:crypto";
import { concurrencyLimits } from "../../edge/policy/limits.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
process.env.DATA_DIR = folder.path;
const { formsOf, hashPassword, isPassword } =
  await import("../../services/users/password-hashing.ts");

const queueLimit = 150;
/** Keeps both lanes busy until released. */
async function busy() {
  const { promise: first, resolve: release } = Promise.withResolvers<undefined>();
  const held = [1, 2].map((n) =>
    hashPassword("held", { network: `held-${n}`, onTurn: async () => void (await first) }),
  );
  return { release: () => release(undefined), held };
}
/** Waits for a turn, adds the network to `turns`, and hashes nothing: under load, 33 hashes would take longer than a turn may wait. */
const turn = (network: string, turns: string[]) =>
  hashPassword("waits", {
    network,
    async onTurn() {
      turns.push(network);
      throw Object.assign(new Error(), { type: "ok" });
    },
  }).catch((error: { type: string }) => error.type);

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

describe("a password", () => {
  const [nfc, nfd] = ["Crème brûlée nº 12".normalize("NFC"), "Crème brûlée nº 12".normalize("NFD")];
  const mixed = `${nfc}${nfd}`;
  const turn = { network: "p" };

  it("is the same in NFC and NFD, and counts case, width and ligatures", async () => {
    for (const stored of [await hashPassword(nfc, turn), await hashPassword(nfd, turn)]) {
      expect(await isPassword(nfc, stored, turn)).toBe(true);
      expect(await isPassword(nfd, stored, turn)).toBe(true);
      for (const other of [nfc.toLowerCase(), "Creme brulee nº 12", "Crème brûlée no 12"])
        expect(await isPassword(other, stored, turn)).toBe(false);
    }
  });

  it("that 0.1.0 hashed as it was typed is still right, whichever form it has", async () => {
    const former = (message: string) => {
      const [nonce, memory] = [randomBytes(16), 19_456];
      const costs = { memory, passes: 2, parallelism: 1, tagLength: 32 };
      const tag = argon2Sync("argon2id", { message, nonce, ...costs });
      return `$argon2id$v=19$m=${memory},t=2,p=1$${nonce.toString("base64url")}$${tag.toString("base64url")}`;
    };
    for (const [stored, typed] of [
      [nfc, nfd],
      [nfd, nfc],
      [nfd, nfd],
      [mixed, mixed],
    ] as const)
      expect(await isPassword(typed, former(stored), turn)).toBe(true);
    expect(await isPassword(nfc, undefined, turn)).toBe(false);
  });

  it("costs as many hashes as it has forms, for every account", () => {
    expect(
      ["correct horse", "пароль", "密码密码密码", nfc, nfd, mixed].map(
        (one) => formsOf(one).length,
      ),
    ).toEqual([1, 1, 1, 2, 2, 3]);
  });
});
