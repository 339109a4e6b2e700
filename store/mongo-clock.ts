import type { MongoClient, ServerHeartbeatSucceededEvent } from "mongodb";
import { describeSkew, maxSkewMs, ReferenceClock } from "./reference-clock.ts";

/** The part of the answer to `hello` that is read here. */
interface Hello {
  localTime?: Date;
  isWritablePrimary?: boolean;
  /** Its name in the first answer of older servers. */
  ismaster?: boolean;
}

/**
 * The clock of the server that takes the writes, read from every heartbeat. It decides when this node's own clock differs by more than 2 s,
 * which is logged once. A node without an answer yet has not written anything either.
 */
export function mongoClock(
  client: MongoClient,
  name: string,
  log: (level: "info" | "warn", message: string) => void,
): ReferenceClock {
  const clock = new ReferenceClock((skewMs) => {
    if (Math.abs(skewMs) > maxSkewMs)
      log(
        "warn",
        `The clock of this node is ${describeSkew(skewMs)} that of ${name}, which is used instead.`,
      );
    else log("info", `The clock of this node agrees with that of ${name} again.`);
  });
  client.on("serverHeartbeatSucceeded", ({ reply }: ServerHeartbeatSucceededEvent) => {
    const { localTime, isWritablePrimary, ismaster } = reply as Hello;
    if ((isWritablePrimary ?? ismaster) && localTime) clock.observe(localTime.getTime());
  });
  return clock;
}
