import { isAtPushService, isHostPattern, knownPushServices } from "../../domain/push-services.ts";

describe("the endpoint of a subscription", () => {
  it.each([
    "https://fcm.googleapis.com/fcm/send/abc:def",
    "https://FCM.googleapis.com:443/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://wns2-par02p.notify.windows.com/w/?token=abc",
    "https://web.push.apple.com/abc",
  ])("is admitted at a known push service: %s", (endpoint) =>
    expect(isAtPushService(endpoint, knownPushServices)).toBe(true),
  );

  it.each([
    "http://fcm.googleapis.com/abc",
    "https://fcm.googleapis.com:8443/abc",
    "https://user@fcm.googleapis.com/abc",
    "https://fcm.googleapis.com@evil.example/abc",
    "https://fcm.googleapis.com.evil.example/abc",
    "https://fcm.googleapis.com./abc",
    "https://evilfcm.googleapis.com/abc",
    "https://evilpush.apple.com/abc",
    "https://push.apple.com/abc",
    "https://evil.example/https://fcm.googleapis.com/",
    "https://evil.example#.push.apple.com",
    "https://evil.example?.push.apple.com",
    "https://evil.example\\.push.apple.com",
    "https://127.0.0.1/abc",
    "https://[::1]/abc",
    "https://169.254.169.254/latest/meta-data",
    "ftp://fcm.googleapis.com/abc",
    "fcm.googleapis.com/abc",
    "",
  ])("is refused elsewhere: %s", (endpoint) =>
    expect(isAtPushService(endpoint, knownPushServices)).toBe(false),
  );
});

it.each([
  ["push.example", true],
  ["*.push.example", true],
  ["example", false],
  ["*", false],
  ["*.*.example", false],
  ["a.*.example", false],
  ["https://push.example", false],
  ["push.example:443", false],
  ["-a.example", false],
])("PUSH_SERVICES may name %s: %s", (host, isGood) => expect(isHostPattern(host)).toBe(isGood));
