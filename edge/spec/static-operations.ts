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
      "The address of the sockets (null: this host, on `socketPort`), and the currency",
      Config,
    ],
  }),
  "/health/live": operation("live", "Whether this process runs", {
    200: ["This process runs", Liveness],
  }),
  "/health/ready": operation("ready", "Whether every service and its database answers", {
    200: ["Every service and its database answers", Readiness],
    503: ["A service or a database does not answer", Readiness],
  }),
};
