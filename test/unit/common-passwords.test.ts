import { isCommonPassword } from "../../domain/common-passwords.ts";

it.each([
  "password",
  "Password1",
  "P@ssw0rd2024!",
  "pa$$word",
  "passw0rd",
  "12345678",
  "123456789",
  "1234567890",
  "87654321",
  "11111111",
  "00000000",
  "123123123",
  "abcabcabc",
  "qwertyuiop",
  "QWERTY123",
  "1q2w3e4r",
  "1qaz2wsx",
  "zaq12wsx",
  "qwer1234",
  "abcd1234",
  "abc12345",
  "a1b2c3d4",
  "asdfghjkl",
  "asdfasdf",
  "iloveyou",
  "I love you",
  "sunshine1",
  "letmein123!",
  "welcome2024",
  "admin123",
  "administrator",
  "trustno1!",
  "baseball",
  "football99",
  "1234qwer",
  "superman!",
  "michael1",
  "changeme",
  "princess",
  "starwars",
  "88888888",
  "147258369",
])("%s is common", (password) => {
  expect(isCommonPassword(password)).toBe(true);
});

it.each([
  "correct horse",
  "correct horse battery",
  "open sesame, please",
  "a new password",
  "my password is long",
  "kX9#mq2Lw",
  "passwordless-future",
  "sunshine over rabat",
  "blå himmel",
  "пароль-надежный",
  "🪔🪔🫖🫖",
  "19840311-4477",
  "t".repeat(3) + "9xu&q",
])("%s is not", (password) => {
  expect(isCommonPassword(password)).toBe(false);
});

it("is checked fast, also for the longest passwords", () => {
  const began = performance.now();
  for (const text of [
    "a".repeat(255) + "!",
    "1".repeat(256),
    "a1".repeat(128),
    "@4301!$5".repeat(32),
    "x".repeat(250) + "!!!!!!",
  ])
    isCommonPassword(text);
  expect(performance.now() - began).toBeLessThan(2_000);
});
