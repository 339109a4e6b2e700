import { createLocalJWKSet, errors as jose, jwtVerify } from "jose";
import type { Service } from "moleculer";
import Type from "typebox";
import { env } from "../broker/env.ts";
import { codeOf, refusal } from "../broker/errors.ts";
import { callsOf, listen, schema } from "../broker/provide.ts";
import { checker } from "../broker/validator.ts";
import { id } from "../contracts/schema.ts";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../contracts/users.ts";

/** Who a verified access token speaks for, and until when: `exp` in seconds since 1970. */
export interface Verified {
  id: string;
  sid: string;
  exp: number;
}

/** What the mixin adds to a service. */
export interface Identity extends Service {
  /** Checks a token by its signature alone, so that it works while users is away. Throws UNAUTHENTICATED. */
  verify(token: string): Promise<Verified>;
  /** Called once for each session that ends before its tokens expire; a service may override it. */
  sessionEnded(sid: string): void;
  /** By session id, until when (ms since 1970). */
  endedSessions: Map<string, number>;
  isUsersInSight: boolean;
  noteEnded(sid: string, until: string): void;
  askEnded(): Promise<void>;
  asking: NodeJS.Timeout;
}

const keys = createLocalJWKSet({ keys: env.keys.public });

/** Signed or not: what goes into queries and rooms is an id. */
const faultsOf = checker(Type.Object({ sub: id, sid: id, exp: Type.Integer() }));

/** For the services that let people in: checks access tokens, and refuses those of sessions that were ended. */
export const identity = schema<Identity>({
  events: {
    ...listen<Identity>({
      "users.sessionEnded"({ params: { sid, until } }) {
        this.noteEnded(sid, until);
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
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ["EdDSA"],
        requiredClaims: ["sub", "sid", "exp"],
      }).catch((error: unknown) => {
        throw refusal("UNAUTHENTICATED", error instanceof jose.JWTExpired ? "The token has expired" : "The token is not valid");
      });
      const { typ = accessTokenType } = protectedHeader;
      if (typ !== accessTokenType || faultsOf(payload).length > 0) throw refusal("UNAUTHENTICATED", "The token is not valid");
      const { sub, sid, exp } = payload as { sub: string; sid: string; exp: number };
      if (this.endedSessions.has(sid)) throw refusal("UNAUTHENTICATED", "This session was ended");
      return { id: sub, sid, exp };
    },

    sessionEnded() {},

    noteEnded(sid: string, until: string) {
      if (this.endedSessions.has(sid)) return;
      this.endedSessions.set(sid, Date.parse(until));
      this.sessionEnded(sid);
    },

    /** What ended while nobody told us: asked when users comes into sight, and every minute, because the event may be lost. */
    async askEnded(): Promise<void> {
      const past = Date.now();
      for (const [sid, until] of this.endedSessions) if (until < past) this.endedSessions.delete(sid);
      try {
        const { sessions } = await callsOf(this.broker)("users.ended", {});
        for (const { sid, until } of sessions) this.noteEnded(sid, until);
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
