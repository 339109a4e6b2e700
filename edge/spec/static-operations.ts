import { Config } from "../../contracts/config.ts";
import { Liveness, Readiness } from "../../contracts/health.ts";

const operation = (
  operationId: string,
  summary: string,
  responses: Record<number, [description: string, schema: object]>,
) => ({
  get: {
    operationId,
    summary,
    tags: ["server"],
    security: [],
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, [description, schema]]) => [
        status,
        { description, content: { "application/json": { schema } } },
      ]),
    ),
  },
});

/** The JSON paths that api serves itself. */
export const staticOperations = {
  "/config.json": operation("config", "The settings that a page needs", {
    200: [
      "The address of the sockets (null: this host, on `socketPort`), the public key of web push (null: off), the currency and the digits of its minor unit",
      Config,
    ],
  }),
  "/health/live": operation("live", "Whether this process can go on without a restart", {
    200: ["This process runs, and repairs by itself what is not ready", Liveness],
    503: ["Only a restart of this process can help", Liveness],
  }),
  "/health/ready": operation(
    "ready",
    "Whether every service serves calls and its database accepts writes",
    {
      200: ["Every service serves calls", Readiness],
      503: ["A service does not serve calls; its state says why", Readiness],
    },
  ),
};
