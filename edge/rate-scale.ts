import { env } from "../broker/env.ts";

/** A limit of edge/policy/limits.ts, multiplied by RATE_SCALE; at least 1. */
export const scaled = (limit: number) => Math.max(1, Math.ceil(limit * env.rateScale));
