import { setTimeout as pause } from "node:timers/promises";
import { typedCall } from "../broker/context.ts";
import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { codeOf, refusal } from "../broker/refusal.ts";
import { SecurityLog } from "../broker/security-log.ts";
import { accessTokenSeconds } from "../contracts/users.ts";
import { RevokedSessions } from "../edge/revoked-sessions.ts";
import { uptime } from "../edge/uptime.ts";
import { isForgery, verifier, type Verified } from "../edge/token-verifier.ts";
import { ReferenceClock } from "../store/reference-clock.ts";

/** The clock of the users service. It answers at once, so its last answer counts. */
const issuerClock = new ReferenceClock(undefined, 1);
const verifyToken = verifier(env.keys.public, issuerClock);

/** The shortest time between two readings of that clock (ms). */
const readInterval = 1_000;
/** The longest wait for it (ms): a request waits, too. */
const readTimeout = 1_000;

/** How often revoked sessions are fetched, because the event may be lost (ms). */
const reconcileInterval = (accessTokenSeconds * 1000) / 15;

/** Checks access tokens and rejects those of revoked sessions. For services that authenticate users. */
export const identity = define({
  state() {
    return {
      tokenLog: new SecurityLog(this),
      revokedSessions: new RevokedSessions(),
      isUsersAvailable: false,
      reconciledAt: -Infinity,
      reconciling: undefined as Promise<void> | undefined,
      reconcileTimer: undefined as NodeJS.Timeout | undefined,
    };
  },

  methods: {
    /** Throws UNAUTHENTICATED when the token is not valid, has expired, or its session is revoked. */
    async verify(token: string): Promise<Verified> {
      const verified = await verifyToken(token, () => this.readIssuerClock()).catch(
        (error: unknown) => {
          if (isForgery(error)) this.tokenLog.record("access_token_forged");
          throw error;
        },
      );
      if (this.revokedSessions.has(verified.sid))
        throw refusal("UNAUTHENTICATED", "The session has ended.");
      return verified;
    },

    /** A token seems to come from the wrong time. One clock or the other may have jumped. */
    async readIssuerClock(): Promise<void> {
      if (uptime() - this.reconciledAt < readInterval) return;
      const timeout = pause(readTimeout, undefined, { ref: false });
      await Promise.race([this.reconcileRevokedSessions(), timeout]);
    },

    /** Fetches the sessions whose revocation events this node may have missed, and the time. One call at a time. */
    reconcileRevokedSessions(): Promise<void> {
      return (this.reconciling ??= this.fetchRevokedSessions().finally(() => {
        this.reconciledAt = uptime();
        this.reconciling = undefined;
      }));
    },

    async fetchRevokedSessions(): Promise<void> {
      this.revokedSessions.prune();
      try {
        const { sessions, now } = await typedCall(this.broker)("users.ended", {});
        if (now) issuerClock.observe(Date.parse(now));
        for (const session of sessions) this.revokedSessions.add(session);
      } catch (error) {
        this.logger.debug(`Could not fetch revoked sessions: ${codeOf(error)}.`);
      }
    },
  },

  events: {
    "users.sessionEnded"({ params }) {
      this.revokedSessions.add(params);
    },

    /** Local event of Moleculer. The users service may have become available, in any order of starting nodes. */
    "$services.changed"() {
      const isAvailable = this.broker.registry.actions.isAvailable("users.ended");
      if (isAvailable && !this.isUsersAvailable) void this.reconcileRevokedSessions();
      this.isUsersAvailable = isAvailable;
    },
  },

  started() {
    this.reconcileTimer = setInterval(
      () => void this.reconcileRevokedSessions(),
      reconcileInterval,
    ).unref();
  },

  stopped() {
    clearInterval(this.reconcileTimer);
    this.tokenLog.flush();
  },
});
