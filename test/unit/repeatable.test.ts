import { createSouk } from "../../client/index.ts";
import { keyPerContent, offerForm } from "../../web/src/repeatable.ts";
import { problem, RecordingFetch } from "../support/recording-fetch.ts";

const lamp = { title: "Lamp", price: 1 };

/** A market that makes an item for each new key, and gives the answer, or loses it. */
async function market() {
  const recorder = new RecordingFetch();
  const souk = createSouk({ url: "http://fake.test", fetch: recorder.fetch });
  const user = { id: "u1", name: "Selma", email: "selma@souk.test", createdAt: "" };
  const signIn = async (id: string) => {
    recorder.instead = () => [200, { user: { ...user, id }, accessToken: "a", expiresIn: 900 }];
    await souk.signIn({ email: user.email, password: "correct horse" });
    answerWith(undefined);
  };
  const items = new Map<string, object>();
  /** The answers to offers, instead of the item. */
  const answerWith = (failure?: ReturnType<typeof problem>) => {
    recorder.instead = ({ method, key = "", body }) => {
      if (method === "PATCH") return [200, { id: "i1", ...body, imageUrl: null }];
      if (failure?.[0] !== 400) items.set(key, items.get(key) ?? body!);
      return failure ?? [201, { id: `i${items.size}`, ...items.get(key), imageUrl: null }];
    };
  };
  let text = "";
  const kept = { get: () => text, set: (next: string) => void (text = next) };
  await signIn("u1");
  recorder.asked.length = 0;
  return { form: () => offerForm(souk, kept), items, answerWith, signIn, recorder, kept };
}

/** A 500 is not repeated by the client itself, and does not say whether the item was made. */
const lost = problem(500, "INTERNAL");

describe("the form of an offer", () => {
  it.each([
    ["in the same form", false],
    ["after a reload", true],
  ])("makes one item when its answer was lost and it is sent again %s", async (_, isReloaded) => {
    const { form, items, answerWith, kept } = await market();
    const first = form();
    answerWith(lost);
    await expect(first(lamp)).rejects.toMatchObject({ code: "INTERNAL" });
    answerWith(problem(429, "TOO_MANY_REQUESTS"));
    await expect(first(lamp)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
    answerWith();

    expect(await (isReloaded ? form() : first)(lamp)).toMatchObject(lamp);
    expect(items.size).toBe(1);
    expect(kept.get()).toBe("");
  });

  it("changes that item when the form was changed before it is sent again", async () => {
    const { form, items, answerWith } = await market();
    const offer = form();
    answerWith(lost);
    await offer(lamp).catch(() => {});
    answerWith();

    expect(await offer({ ...lamp, price: 2 })).toMatchObject({ title: "Lamp", price: 2 });
    expect(items.size).toBe(1);
  });

  it.each([
    ["another offer after a reload", "u1", { title: "Rug", price: 2 }],
    ["the same offer of another user", "u2", lamp],
  ])("makes another item of %s", async (_, userId, next) => {
    const { form, items, answerWith, signIn } = await market();
    answerWith(lost);
    await form()(lamp).catch(() => {});
    await signIn(userId);

    expect(await form()(next)).toMatchObject(next);
    expect([...items.values()]).toEqual([lamp, next]);
  });

  it("makes an item for each offer that was answered, and after a refusal", async () => {
    const { form, items, answerWith } = await market();
    const offer = form();
    answerWith(problem(400, "BAD_DATA"));
    await offer({ ...lamp, title: "" }).catch(() => {});
    answerWith();
    await offer(lamp);
    await offer(lamp);

    expect([...items.values()]).toEqual([lamp, lamp]);
  });
});

it("gives the same content the same key", () => {
  const [key, other] = [keyPerContent(), keyPerContent()];

  expect(key(lamp)).toBe(key({ ...lamp }));
  expect(key(lamp)).not.toBe(key({ ...lamp, price: 2 }));
  expect(key(lamp)).not.toBe(other(lamp));
});
