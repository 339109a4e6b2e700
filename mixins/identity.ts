import type { Service } from "moleculer";
import { env } from "../broker/env.ts";
import { codeOf, refusal } from "../broker/refusal.ts";
import { typedCall, listen, schema } from "../broker/provide.ts";
import { accessTokenSeconds, type EndedSession } from "../contracts/users.ts";
import { verifier, type Verified } from "../edge/token-verifier.ts";

/** What the mixin adds to a service. */
export interface Identity extends Service {
  /** Of a good token of a session that goes on; else throws UNAUTHENTICATED. */
  verify(token: string): Promise<Verified>;
  /** Called once for each session that ends before its tokens expire; a service may override it. */
  sessionEnded(session: EndedSession): void;
  /** By session id, until when (ms since 1970). */
  endedSessions: Map<string, number>;
  isUsersInSight: boolean;
  noteEnded(session: EndedSession): void;
  askEnded(): Promise<void>;
  asking: NodeJS.Timeout;
}

const verify = verifier(env.keys.public);

/** For the services that let people in: checks access tokens, and refuses those of sessions that were ended. */
export const identity = schema<Identity>({
  events: {
    ...listen<Identity>({
      "users.sessionEnded"({ params }) {
        this.noteEnded(params);
      },
    }),

    /** Moleculer's own, heard on this node alone: users may have come into sight, in whatever order the nodes start. */
    "$services.changed": {
      handler(this: Identity) {
        const isInSight = this.broker.registry.actions.isAvailable("users.ended");
        if (isInSight && !this.isUsersInSight) void this.askEnded();
        this.isUsersInSight = isInSight;
      },
    } as never,
  },

  methods: {
    async verify(token: string): Promise<Verified> {
      const verified = await verify(token);
      if (this.endedSessions.has(verified.sid))
        throw refusal("UNAUTHENTICATED", "This session was ended");
      return verified;
    },

    sessionEnded() {},

    noteEnded(session: EndedSession) {
      if (this.endedSessions.has(session.sid)) return;
      this.endedSessions.set(session.sid, Date.parse(session.until));
      this.sessionEnded(session);
    },

    /** What ended while nobody told us: asked when users comes into sight, and every minute, because the event may be lost. */
    async askEnded(): Promise<void> {
      const past = Date.now();
      for (const [sid, until] of this.endedSessions)
        if (until < past) this.endedSessions.delete(sid);
      try {
        const { sessions } = await typedCall(this.broker)("users.ended", {});
        for (const session of sessions) this.noteEnded(session);
      } catch (error) {
        this.logger.debug(`users was not asked for ended sessions: ${codeOf(error)}`);
      }
    },
  },

  created() {
    this.endedSessions = new Map();
    this.isUsersInSight = false;
  },

  started() {
    this.asking = setInterval(() => void this.askEnded(), (accessTokenSeconds * 1000) / 15).unref();
  },

  stopped() {
    clearInterval(this.asking);
  },
});
