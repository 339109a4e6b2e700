import { passwordRules, type FieldError } from "../../contracts/errors.ts";
import { brokenRule } from "../../services/users/password-policy.ts";
import { fieldText } from "../../web/src/field-text.ts";
import { sentencesIn } from "../../web/src/sentences.ts";
import { texts as german } from "../../web/src/texts/de.ts";
import { texts as english } from "../../web/src/texts/en.ts";

const owner = { email: "alice.miller@souk.test", name: "Alice Miller" };
const ruleOf = (password: string) => brokenRule(password, owner);

it.each(
  "1234567891 123456789a 1qazxsw2 12344321 pakistan benjamin chicken1 147852369 midnight cocacola"
    .split(" ")
    .concat("Midnight", "COCACOLA", "cocacola1!", "Pakistan2024", "coca cola", "mountain99"),
)("%s is refused as a common password", (password) => {
  expect(ruleOf(password)).toBe("common");
});

it.each(["01022043", "19900201", "12311999", "1990-02-01", "31.12.2001", "02/01/1990"])(
  "%s is refused as a date",
  (password) => expect(ruleOf(password)).toBe("date"),
);

it.each([
  "alice.miller@souk.test",
  "ALICE.MILLER@souk.test",
  "Alice Miller",
  "alicemiller84",
  "alice.miller",
  "!!Miller1984",
  "miller2024",
])("%s is refused for Alice Miller", (password) => {
  expect(ruleOf(password)).toBe("personal");
});

it("a present password is refused as the new one", () => {
  expect(brokenRule("kX9#mq2Lw", owner, "kX9#mq2Lw")).toBe("present");
  expect(brokenRule("kX9#mq2Lw", owner, "another one, longer")).toBeUndefined();
});

it.each([
  "correct horse battery",
  "battery staple",
  "kX9#mq2Lw",
  "alice and her brown cat",
  "blå himmel",
  "пароль-надежный",
  "19840311-4477",
  "midnight over rabat",
])("%s is accepted", (password) => {
  expect(ruleOf(password)).toBeUndefined();
});

it("random passwords are accepted", () => {
  const refused = Array.from({ length: 5_000 }, (_, n) => `r${n}-${(n * 7919) % 10_007}xq`).filter(
    ruleOf,
  );
  expect(refused.length).toBeLessThan(3);
});

it("a name without letters, and a short one, forbid nothing", () => {
  for (const name of ["", "!!!", "Ann", "A B"])
    expect(brokenRule("kX9#mq2Lw", { email: "a@b.test", name })).toBeUndefined();
});

it("the longest passwords are checked fast", () => {
  const began = performance.now();
  for (const text of ["1".repeat(256), "a!".repeat(128), "@".repeat(256), "alicemiller".repeat(23)])
    ruleOf(text);
  expect(performance.now() - began).toBeLessThan(2_000);
});

it.each([
  ["en", english],
  ["de", german],
])("the page says in %s which rule a refused password breaks", (language, texts) => {
  const t = texts(sentencesIn(language));
  const textOf = (rule?: string) =>
    fieldText({ field: "newPassword", message: "", rule } as FieldError, t);
  const all = passwordRules.map(textOf);

  expect(new Set([...all, textOf()]).size).toBe(passwordRules.length + 1);
  expect(all.every((text) => text?.endsWith("."))).toBe(true);
  expect(textOf("newer")).toBe(textOf());
  expect(fieldText({ field: "toString", message: "" }, t)).toBeUndefined();
});
