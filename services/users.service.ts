import type { Ctx } from "../broker/context.ts";
import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { refusal } from "../broker/refusal.ts";
import { SecurityLog } from "../broker/security-log.ts";
import { parseSince } from "../broker/since.ts";
import { type AccountDocument, toAddress, toProfile, toUser } from "../domain/account.ts";
import { endedSessions } from "../domain/sessions.ts";
import { networkOf } from "../edge/policy/client-address.ts";
import { collection } from "../mixins/collection.ts";
import { outbox } from "../mixins/outbox.ts";
import { accounts } from "./users/accounts.ts";
import { Credentials } from "./users/credentials.ts";
import { LoginThrottle } from "./users/login-throttle.ts";
import { messages } from "./users/messages.ts";
import { hashPassword, isPassword } from "./users/password-hashing.ts";
import { checkPassword } from "./users/password-policy.ts";
import { createSampleAccounts } from "./users/sample-accounts.ts";
import { Sessions } from "./users/sessions.ts";
import { accessTokens, readRefreshToken } from "./users/tokens.ts";
import { Verifications, withFirstLink } from "./users/verifications.ts";

const networkIn = ({ meta }: Ctx<unknown>) => networkOf(meta.ip ?? "");

export default define({
  name: "users",

  mixins: [outbox<AccountDocument>(messages), collection(accounts)],

  state() {
    if (!env.keys.private) throw new Error("The users service needs the private signing key.");
    const sign = accessTokens(env.keys.private);
    const { samplePassword, areNew } = env.keys;
    const securityLog = new SecurityLog(this);
    const throttle = new LoginThrottle(securityLog);
    const sessions = new Sessions(this.store, sign, this.broker, securityLog);
    const verifications = new Verifications(this.store, env.keys.private);
    return {
      securityLog,
      throttle,
      sessions,
      verifications,
      credentials: new Credentials(this.store, throttle, sessions),
      /** At the first start it is ready when the other services are. */
      sampleHash:
        env.hasSamples && areNew && samplePassword
          ? hashPassword(samplePassword, { network: "" })
          : undefined,
    };
  },

  methods: {
    async account(id: string): Promise<AccountDocument> {
      const account = await this.store.one({ _id: id });
      if (!account) throw refusal("NOT_FOUND", "There is no such user.");
      return account;
    },
  },

  actions: {
    async register(ctx) {
      return this.credentials.register(ctx.params, networkIn(ctx), {
        complete: (account) => {
          const now = this.store.now();
          return { ...withFirstLink(account, now), outbox: this.enqueue({ verification: now }) };
        },
        stored: (account) => this.deliver(ctx, account),
      });
    },

    async login(ctx) {
      return this.credentials.signIn(ctx.params, networkIn(ctx));
    },

    async refresh(ctx) {
      const token = readRefreshToken(ctx.params.refreshToken);
      const network = networkIn(ctx);
      await this.throttle.refresh(network, token.sid);
      const session = await this.sessions.refresh(token, ctx.params.idempotencyKey);
      this.throttle.know(network, session.user.email);
      return session;
    },

    async logout(ctx) {
      await this.sessions.end(ctx.meta.user.id, ctx.params.refreshToken);
      return null;
    },

    async changePassword(ctx) {
      const { password, newPassword } = ctx.params;
      const { id } = ctx.meta.user;
      const network = networkIn(ctx);
      await this.throttle.changePassword(network, id);
      const account = await this.account(id);
      checkPassword("newPassword", newPassword, account, password);
      if (!(await isPassword(password, account.password, { network }))) {
        this.securityLog.record("password_change_failed", { user: id, network });
        throw refusal("FORBIDDEN", "The password is wrong.");
      }
      const hash = await hashPassword(newPassword, { network });
      const session = await this.sessions.changePassword(account, hash);
      if (!session) throw refusal("FORBIDDEN", "Another request changed the password first.");
      return session;
    },

    async requestVerification(ctx) {
      const { id } = ctx.meta.user;
      const asked = await this.verifications.request(id, ctx.params.language, (update) =>
        this.withEntries(update, { verification: this.store.now() }),
      );
      if (asked) this.deliver(ctx, asked);
      return { isVerified: asked === null };
    },

    async verify(ctx) {
      const account = await this.verifications.verify(ctx.params.token, (update) =>
        this.withEntries(update, { mailable: this.store.now() }),
      );
      this.deliver(ctx, account);
      this.securityLog.record("email_verified", { user: account._id });
      return { isVerified: true };
    },

    async verificationLink({ params: { userId, linkId } }) {
      return this.verifications.link(userId, linkId);
    },

    async address({ params }) {
      return toAddress(await this.account(params.userId));
    },

    async me(ctx) {
      return toUser(await this.account(ctx.meta.user.id));
    },

    async profile({ params }) {
      return toProfile(await this.account(params.id));
    },

    async ended() {
      const now = this.store.now();
      const accounts = await this.store.find({ endedUntil: { $gt: now.toISOString() } });
      return {
        sessions: accounts.flatMap((account) => endedSessions(account, now)),
        now: now.toISOString(),
      };
    },

    async replay({ params }) {
      const since = parseSince(params.since, this.store.now());
      const ended = await this.sessions.endAll(params.cursor);
      this.logger.info(`Users was restored to ${since}: ended ${ended.replayed} sessions.`);
      return ended;
    },

    async health() {
      await this.store.ping();
      return { ok: true };
    },
  },

  stopped() {
    this.securityLog.flush();
  },

  async started() {
    if (env.hasSamples) await createSampleAccounts(this.store, this.sampleHash);
  },
});
