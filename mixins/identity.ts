import { typedCall } from "../broker/context.ts";
import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { codeOf, refusal } from "../broker/refusal.ts";
import { accessTokenSeconds } from "../contracts/users.ts";
import { RevokedSessions } from "../edge/revoked-sessions.ts";
import { verifier, type Verified } from "../edge/token-verifier.ts";

const verifyToken = verifier(env.keys.public);

/** How often revoked sessions are fetched, because the event may be lost (ms). */
const reconcileInterval = (accessTokenSeconds * 1000) / 15;

/** Checks access tokens and rejects those of revoked sessions. For services that authenticate users. */
export const identity = define({
  state: () => ({
    revokedSessions: new RevokedSessions(),
    isUsersAvailable: false,
    reconcileTimer: undefined as NodeJS.Timeout | undefined,
  }),

  methods: {
    /** Throws UNAUTHENTICATED when the token is not valid, has expired, or its session is revoked. */
    async verify(token: string): Promise<Verified> {
      const verified = await verifyToken(token);
      if (this.revokedSessions.has(verified.sid))
        throw refusal("UNAUTHENTICATED", "The session has ended.");
      return verified;
    },

    /** Fetches the sessions whose revocation events this node may have missed. */
    async reconcileRevokedSessions(): Promise<void> {
      this.revokedSessions.prune();
      try {
        const { sessions } = await typedCall(this.broker)("users.ended", {});
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
  },
});
