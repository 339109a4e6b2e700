import type { OutgoingHttpHeaders } from "node:http";
import { refusal } from "../broker/refusal.ts";
import { asyncapi } from "./spec/asyncapi.ts";
import type { Config } from "../contracts/config.ts";
import type { StaticPath } from "../contracts/routes.ts";
import { openapi } from "./spec/openapi.ts";
import type { Gateway, Request, Response } from "../mixins/gateway.ts";
import { statusOf } from "./health.ts";
import { answerOf, jsonFile, type File } from "./static-files.ts";
import { pageHeaders, sharedHeaders, socketOrigin } from "./headers.ts";

type Handler = (this: Gateway, req: Request, res: Response) => Promise<void>;

/** What api answers by itself. */
export const staticRoutes: Record<StaticPath, Handler> = {
  "/": market,
  "/shop/*view": market,
  async "/docs"(req, res) {
    serve(this, req, res, this.files.get("/docs"), pageHeaders());
  },
  async "/assets/*file"(req, res) {
    // By its exact name, letter by letter: nothing is decoded and no path is walked.
    serve(this, req, res, this.files.get(req.originalUrl!.split("?")[0]!), sharedHeaders);
  },
  async "/config.json"(req, res) {
    const { socketUrl = null, currency } = this.settings;
    this.reply(req, res, 200, {
      socketUrl,
      socketPort: this.socketPort(),
      currency,
    } satisfies Config);
  },
  "/openapi.json": described(jsonFile(openapi())),
  "/asyncapi.json": described(jsonFile(asyncapi())),
  async "/health/live"(req, res) {
    this.reply(req, res, 200, { status: "live" });
  },
  async "/health/ready"(req, res) {
    const readiness = await this.readiness();
    this.reply(req, res, statusOf(readiness), readiness);
  },
};

/** The page finds out by itself which of its views the path names. */
async function market(this: Gateway, req: Request, res: Response) {
  const { socketUrl, trustedProxies } = this.settings;
  const sockets = socketOrigin(req.headers, {
    socketUrl,
    trustedProxies,
    socketPort: this.socketPort(),
  });
  serve(this, req, res, this.files.get("/"), pageHeaders(...sockets));
}

function described(file: File): Handler {
  return async function (req, res) {
    serve(this, req, res, file);
  };
}

function serve(
  gateway: Gateway,
  req: Request,
  res: Response,
  file: File | undefined,
  more: OutgoingHttpHeaders = {},
) {
  if (!file) throw refusal("NOT_FOUND");
  const { status, headers, bytes } = answerOf(file, req.headers);
  gateway.reply(req, res, status, bytes, { ...headers, ...more });
}
