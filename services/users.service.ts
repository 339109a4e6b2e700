import { randomUUID } from "node:crypto";
import type { Ctx } from "../broker/context.ts";
import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { refusal } from "../broker/refusal.ts";
import { SecurityLog } from "../broker/security-log.ts";
import { parseSince } from "../broker/since.ts";
import { AccountDocument, newAccount, toUser } from "../domain/account.ts";
import { endedSessions } from "../domain/sessions.ts";
import { networkOf } from "../edge/policy/client-address.ts";
import { collection } from "../mixins/collection.ts";
import { DuplicateKey } from "../store/store.ts";
import { LoginThrottle } from "./users/login-throttle.ts";
import { hashPassword, isPassword } from "./users/password-hashing.ts";
import { checkPassword } from "./users/password-policy.ts";
import { createSampleAccounts } from "./users/sample-accounts.ts";
import { Sessions } from "./users/sessions.ts";
import { accessTokens, readRefreshToken } from "./users/tokens.ts";

const networkIn = ({ meta }: Ctx<unknown>) => networkOf(meta.ip ?? "");

export default define({
  name: "users",

  mixins: [
    collection({
      name: "accounts",
      document: AccountDocument,
      indexes: [
        { fields: ["email"], unique: true },
        { fields: ["endedUntil"], sparse: true },
      ],
    }),
  ],

  state() {
    if (!env.keys.private) throw new Error("The users service needs the private signing key.");
    const sign = accessTokens(env.keys.private);
    const { samplePassword, areNew } = env.keys;
    const securityLog = new SecurityLog(this.logger);
    return {
      securityLog,
      throttle: new LoginThrottle(securityLog),
      /** At the first start it is ready when the other services are. */
      sampleHash:
        env.hasSamples && areNew && samplePassword
          ? hashPassword(samplePassword, { network: "" })
          : undefined,
      sessions: new Sessions(this.store, sign, this.broker, securityLog),
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
      const { email, password, name } = ctx.params;
      const network = networkIn(ctx);
      await this.throttle.register(network);
      checkPassword("password", password, { email, name });
      const onTurn = async () => {
        if (await this.store.one({ email: email.toLowerCase() }))
          throw this.throttle.emailTaken(network);
      };
      const hash = await hashPassword(password, { network, onTurn });
      const account = newAccount({ id: randomUUID(), email, name }, hash, this.store.now());
      const session = await this.sessions.createAccount(account).catch((error: unknown) => {
        // Of many concurrent registrations that found the address free, the unique index accepts one.
        throw error instanceof DuplicateKey ? this.throttle.emailTaken(network) : error;
      });
      this.throttle.know(network, account.email);
      return session;
    },

    async login(ctx) {
      const { email, password } = ctx.params;
      const network = networkIn(ctx);
      const attempt = await this.throttle.signIn(network, email.toLowerCase());
      const account = await this.store.one({ email: email.toLowerCase() });
      const turn = { network, onTurn: attempt.begin };
      const isRight = await isPassword(password, account?.password, turn);
      if (!isRight || !account) {
        attempt.fail(account?._id);
        throw wrongCredentials();
      }
      await attempt.succeed();
      const session = await this.sessions.begin(account);
      if (!session) throw wrongCredentials();
      return session;
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

    async me(ctx) {
      return toUser(await this.account(ctx.meta.user.id));
    },

    async profile({ params }) {
      const { _id: id, name } = await this.account(params.id);
      return { id, name };
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

const wrongCredentials = () =>
  refusal("INVALID_CREDENTIALS", "The email address or password is wrong.");
