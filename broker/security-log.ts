/** The trace that attacks leave in the log: named events without secrets, bounded in lines. */
import type { Service } from "moleculer";
import { meterOf, type Meter } from "./metrics/meter.ts";

type Logger = Pick<Service["logger"], "info" | "warn">;
/** The service whose events are written and counted. */
type Source = { logger: Logger; broker: Pick<Service["broker"], "metrics"> };

/** The events, which are stable names, and their levels. */
export const securityEvents = {
  /** A wrong password, or an address without an account. */
  sign_in_failed: "info",
  /** Attempts on passwords or refresh tokens, or sign-ups, above a limit. */
  attempts_limited: "warn",
  registration_refused: "info",
  password_changed: "info",
  email_verified: "info",
  password_change_failed: "warn",
  session_ended: "info",
  /** A refresh token was used twice: a copy of it exists. Its session has ended. */
  refresh_token_reused: "warn",
  /** An access token that no key of ours has signed, or with claims that we never sign. Not one that has expired. */
  access_token_forged: "warn",
} as const;
export type SecurityEvent = keyof typeof securityEvents;

/** Whom an event concerns: ids and networks only. */
export interface Concerned {
  user?: string | undefined;
  session?: string | undefined;
  network?: string | undefined;
}

/** Lines per event and minute, before the rest is only counted. */
const maxLines = 5;
const minuteMs = 60_000;

interface Minute {
  lines: number;
  more: number;
  users: Set<string>;
  networks: Set<string>;
}
/** A count of distinct values that a flood cannot grow without end. */
const maxDistinct = 1_000;

/**
 * Writes the first events of each kind in a minute as a line each, and the rest of that minute as one line with their number. With
 * all kinds at once these are 54 lines a minute.
 */
export class SecurityLog {
  readonly #logger: Logger;
  readonly #meter: Meter;
  readonly #minutes = new Map<SecurityEvent, Minute>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ logger, broker }: Source) {
    this.#logger = logger;
    this.#meter = meterOf(broker);
    for (const event of Object.keys(securityEvents))
      this.#meter.begin("souk_security_events_total", { event });
  }

  record(event: SecurityEvent, concerned: Concerned = {}): void {
    this.#timer ??= setTimeout(() => this.flush(), minuteMs).unref();
    this.#meter.count("souk_security_events_total", { event });
    const minute = this.#minutes.get(event) ?? newMinute();
    this.#minutes.set(event, minute);
    if (++minute.lines <= maxLines) return this.#write(event, fieldsOf(concerned));
    minute.more++;
    const { user, network } = concerned;
    if (user && minute.users.size < maxDistinct) minute.users.add(user);
    if (network && minute.networks.size < maxDistinct) minute.networks.add(network);
  }

  /** Writes the counts and begins the next minute. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [event, { more, users, networks }] of this.#minutes)
      if (more > 0)
        this.#write(event, `more=${more} users=${users.size} networks=${networks.size}`);
    this.#minutes.clear();
  }

  #write(event: SecurityEvent, fields: string): void {
    this.#logger[securityEvents[event]](`Security event ${event} ${fields}`.trimEnd());
  }
}

const newMinute = (): Minute => ({ lines: 0, more: 0, users: new Set(), networks: new Set() });

const fieldsOf = (concerned: Concerned) =>
  Object.entries(concerned)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
