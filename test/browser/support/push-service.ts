/**
 * A push service on loopback: for the browser, Mozilla's protocol over a WebSocket (https://mozilla-push-service.readthedocs.io, "autopush"),
 * for the market RFC 8030 over https. It keeps nothing for browsers that are not connected.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { WebSocketServer, type WebSocket } from "ws";
import { temporaryFolder } from "../../../bin/processes/node-process.ts";

/** A message that the market sent. */
export interface Received {
  token: string;
  headers: IncomingMessage["headers"];
  /** `performance.now()` */
  at: number;
  status: number;
}

export interface PushService {
  /** For Firefox: the preference dom.push.serverURL. */
  serverUrl: string;
  /** For the market: NODE_EXTRA_CA_CERTS. */
  certificate: string;
  received: Received[];
  /** The subscriptions that browsers have now. */
  subscriptions(): number;
  close(): Promise<void>;
}

interface Subscription {
  channelId: string;
  socket: WebSocket;
}

/** What a browser sends: the messages that a push service needs. */
interface BrowserMessage {
  messageType?: "hello" | "register" | "unregister" | "ack" | "ping";
  channelID?: string;
}

export async function startPushService(): Promise<PushService> {
  const folder = temporaryFolder();
  const certificate = join(folder.path, "cert.pem");
  const key = join(folder.path, "key.pem");
  certify(key, certificate);
  const subscriptions = new Map<string, Subscription>();
  const received: Received[] = [];

  const market = createServer({ key: readFileSync(key), cert: readFileSync(certificate) });
  market.on("request", (request, response) => void push(request, response));
  const push = async (request: IncomingMessage, response: ServerResponse) => {
    const at = performance.now();
    const token = request.url!.split("/").at(-1)!;
    const data = await buffer(request);
    const to = subscriptions.get(token);
    const status = to ? 201 : 410;
    received.push({ token, headers: request.headers, at, status });
    to?.socket.send(
      JSON.stringify({
        ...{ messageType: "notification", channelID: to.channelId, version: randomUUID() },
        data: data.toString("base64url"),
        headers: { encoding: request.headers["content-encoding"] },
      }),
    );
    response.writeHead(status, { "content-length": 0 }).end();
  };

  const browsers = createHttp();
  const sockets = new WebSocketServer({ server: browsers });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => {
      const answer = answerTo(JSON.parse(String(data)) as BrowserMessage, socket);
      if (answer) socket.send(JSON.stringify(answer));
    });
  });
  const answerTo = ({ messageType, channelID: channelId }: BrowserMessage, socket: WebSocket) => {
    switch (messageType) {
      case "hello":
        return {
          ...{ messageType, status: 200, uaid: randomUUID().replaceAll("-", "") },
          ...{ use_webpush: true, broadcasts: {} },
        };
      case "register": {
        const token = randomUUID();
        subscriptions.set(token, { channelId: channelId!, socket });
        const pushEndpoint = `${originOf(market)}/wpush/v2/${token}`;
        return { messageType, status: 200, channelID: channelId, pushEndpoint };
      }
      case "unregister":
        for (const [token, one] of subscriptions)
          if (one.channelId === channelId) subscriptions.delete(token);
        return { messageType, status: 200, channelID: channelId };
      case "ack":
        return undefined;
      default:
        return {};
    }
  };

  await Promise.all(
    [market, browsers].map((server) => once(server.listen(0, "127.0.0.1"), "listening")),
  );
  return {
    serverUrl: `ws://127.0.0.1:${(browsers.address() as AddressInfo).port}/`,
    certificate,
    received,
    subscriptions: () => subscriptions.size,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      market.closeAllConnections();
      await Promise.all([market, browsers].map((server) => once(server.close(), "close")));
      folder.remove();
    },
  };
}

const originOf = (server: ReturnType<typeof createServer>) =>
  `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** A certificate for 127.0.0.1 that is its own authority. */
function certify(key: string, certificate: string): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const name = ["-subj", "/CN=push service", "-addext", "subjectAltName=IP:127.0.0.1"];
  const out = ["-keyout", key, "-out", certificate, "-days", "1"];
  execFileSync("openssl", ["req", "-x509", ...curve, ...out, ...name], { stdio: "pipe" });
}
