/** Requests to URLs that strangers gave. */
import http, { type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { NotSent, Outgoing } from "../../outgoing/post.ts";
import { isPublicAddress } from "../../outgoing/public-address.ts";
import { checkUrl } from "../../outgoing/strangers-url.ts";

const closing: (() => void)[] = [];
afterAll(() => closing.forEach((close) => close()));

/** Forms of addresses that must not be reached, each as the host of a URL. */
const privateHosts = [
  ...[
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
  ],
  ...["0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"],
  ...["１２７.0.0.1", "127。0。0。1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"],
  ...["[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]"],
  ...["[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001::1]", "[fe80::1]", "[fec0::1]", "[fc00::1]"],
  ...["[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "10.0.0.1", "10.255.255.255"],
  ...["172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.100.100.200"],
  ...["192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"],
  ...[
    "240.0.0.1",
    "255.255.255.255",
    "metadata.google.internal",
    "printer.local",
    "router",
    "rabbitmq",
  ],
  ...["nas.home.arpa", "x.onion"],
];

it.each(privateHosts)("a URL of the private host %s is refused", (host) => {
  expect(checkUrl(`https://${host}/hook`, false)).toBe("must be a public host");
});

it.each([
  ["http://example.com/", "must begin with https://"],
  ["ftp://example.com/", "must begin with https://"],
  ["file:///etc/passwd", "must begin with https://"],
  ["gopher://example.com/_x", "must begin with https://"],
  ["data:text/plain,x", "must begin with https://"],
  ["https://user@example.com/", "must not contain a user or a password"],
  ["https://user:secret@example.com/", "must not contain a user or a password"],
  ["https://", "must be a URL"],
  ["https://exa mple.com/", "must be a URL"],
  ["https://1.2.3.4.5/", "must be a URL"],
  ["https://[fe80::1%25eth0]/", "must be a URL"],
  ["//example.com", "must be a URL"],
  ["", "must be a URL"],
  [`https://example.com/${"x".repeat(2048)}`, "must have at most 2048 characters"],
])("%s is refused: it %s", (url, fault) => expect(checkUrl(url, false)).toBe(fault));

it.each([
  "https://example.com/hook",
  "https://1.1.1.1/",
  "https://[2606:4700::1111]:8443/x?y=1",
  "HTTPS://EXAMPLE.COM.",
])("%s is accepted", (url) => expect(checkUrl(url, false)).toBeUndefined());

it("loopback hosts are accepted by an explicit setting, with http, too", () => {
  for (const url of ["http://localhost:1/x", "http://127.0.0.1:1/", "https://[::1]/"])
    expect(checkUrl(url, true)).toBeUndefined();
  expect(checkUrl("http://10.0.0.1/", true)).toBe("must begin with https://");
  expect(checkUrl("https://10.0.0.1/", true)).toBe("must be a public host");
});

it.each(["", "x", "1.2.3", "::g", "1.1.1.1.1", "fe80::1%eth0"])(
  "%j is no public address",
  (address) => expect(isPublicAddress(address)).toBe(false),
);

/** A receiver on loopback. */
async function receiver(listener: RequestListener) {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  return { requests, port, url: `http://127.0.0.1:${port}/hook`, server };
}
function outgoing(options: Partial<ConstructorParameters<typeof Outgoing>[0]> = {}) {
  const made = new Outgoing({ isLoopbackAllowed: true, ...options });
  closing.push(() => made.close());
  return made;
}
const failure = (call: Promise<unknown>) =>
  call.then(
    () => "sent",
    (error: NotSent) => `${error.isRefused ? "refused" : "failed"}: ${error.message}`,
  );

it("a request carries its headers and body, and no cookie or credential", async () => {
  let body = "";
  const { requests, url } = await receiver((request, response) => {
    request.on("data", (chunk) => (body += chunk)).on("end", () => response.writeHead(204).end());
  });

  expect(await outgoing().post(url, { "content-type": "text/plain" }, "a sale ﷼")).toEqual({
    status: 204,
  });
  expect(body).toBe("a sale ﷼");
  expect(Object.keys(requests[0]!.headers).sort()).toEqual(
    ["connection", "content-length", "content-type", "host", "user-agent"].sort(),
  );
});

it.each([
  ["one private address", [["10.0.0.1", 4]]],
  [
    "a private address among public ones",
    [
      ["1.1.1.1", 4],
      ["127.0.0.1", 4],
    ],
  ],
  ["a mapped address", [["::ffff:127.0.0.1", 6]]],
  ["the metadata address", [["169.254.169.254", 4]]],
  ["loopback, although loopback URLs are not allowed", [["127.0.0.1", 4]]],
] as [string, [string, number][]][])(
  "a name that resolves to %s is refused",
  async (_what, found) => {
    const { requests, port } = await receiver((_request, response) => void response.end());
    const resolve = () => Promise.resolve(found.map(([address, family]) => ({ address, family })));
    const { post } = outgoing({ isLoopbackAllowed: false, resolve });

    expect(
      await failure(
        outgoing({ isLoopbackAllowed: false, resolve }).post(
          `https://hook.example.com:${port}/`,
          {},
          "",
        ),
      ),
    ).toBe("refused: The host is not public.");
    expect([requests.length, typeof post]).toEqual([0, "function"]);
  },
);

it("a name that resolves to a private address only the second time is refused then", async () => {
  const { port, server } = await receiver((_request, response) => void response.end());
  let connections = 0;
  server.on("connection", () => connections++);
  const answers = ["1.1.1.1", "127.0.0.1"];
  const asked: string[] = [];
  const resolve = (name: string) => {
    asked.push(name);
    return Promise.resolve([{ address: answers[asked.length - 1]!, family: 4 }]);
  };
  // A connection to the first, public address cannot be made here, and must not be: the time limit is over at once.
  const client = outgoing({ isLoopbackAllowed: false, resolve, timeoutMs: 1 });
  await failure(client.post(`https://rebinding.example.com:${port}/`, {}, ""));

  const later = outgoing({ isLoopbackAllowed: false, resolve });
  expect(await failure(later.post(`https://rebinding.example.com:${port}/`, {}, ""))).toBe(
    "refused: The host is not public.",
  );
  expect([asked.length, connections]).toEqual([2, 0]);
});

it("redirects are not followed", async () => {
  const target = await receiver((_request, response) => void response.end());
  const { url } = await receiver((_request, response) => {
    response.writeHead(307, { location: target.url }).end();
  });

  expect(await outgoing().post(url, {}, "")).toEqual({ status: 307 });
  expect(target.requests).toEqual([]);
});

it("an answer of unlimited size is not read", async () => {
  let sent = 0;
  const closed = Promise.withResolvers<undefined>();
  const { url } = await receiver((_request, response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(65_536);
    const write = () => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
    };
    response.on("drain", write).on("close", () => closed.resolve(undefined));
    write();
  });

  expect(await outgoing().post(url, {}, "")).toEqual({ status: 200 });
  await closed.promise;
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

it.each([
  ["accepts and says nothing", () => {}],
  [
    "sends its headers a byte at a time",
    (socket: net.Socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx: ");
      const timer = setInterval(() => socket.write("a"), 20);
      socket.on("close", () => clearInterval(timer));
    },
  ],
] as [string, (socket: net.Socket) => void][])(
  "a receiver that %s is given up in time, with its connection",
  async (_what, behave) => {
    const closed = Promise.withResolvers<undefined>();
    const server = net.createServer((socket) => {
      socket.on("error", () => {}).on("close", () => closed.resolve(undefined));
      socket.resume();
      behave(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

    expect(await failure(outgoing({ timeoutMs: 200 }).post(url, {}, "x"))).toBe(
      "failed: There was no answer within 200 ms.",
    );
    await closed.promise;
  },
);

it.each([
  ["speaks no HTTP", "SSH-2.0-OpenSSH\r\n"],
  ["sends headers without end", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}`],
  ["closes the connection", ""],
])("a receiver that %s is a failed request", async (_what, answer) => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {}).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  expect(await failure(outgoing().post(url, {}, "x"))).toMatch(
    /^failed: The request failed: [A-Z_]+\.$/u,
  );
});

it.each([
  ["120", 120_000],
  ["0", 0],
  ["999999999", 86_400_000],
  ["Wed, 21 Oct 2015 07:28:00 GMT", undefined],
  ["soon", undefined],
  ["-5", undefined],
])("of Retry-After: %s the wait is %s ms", async (header, retryAfterMs) => {
  const { url } = await receiver((_request, response) => {
    response.writeHead(429, { "retry-after": header, "content-length": "0" }).end();
  });

  expect(await outgoing().post(url, {}, "")).toEqual({
    status: 429,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
});
