import { randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import { env } from "../broker/env.ts";
import { badData, refusal } from "../broker/refusal.ts";
import { provide, schema, signedIn, type Ctx } from "../broker/provide.ts";
import { accessTokenSeconds, type Session, type User } from "../contracts/users.ts";
import { AccountDocument } from "../domain/account.ts";
import { networkOf } from "../edge/policy/client-address.ts";
import { isCommonPassword } from "../domain/common-passwords.ts";
import { samplePeople } from "../domain/samples.ts";
import {
  ending,
  endedOf,
  expiry,
  isOf,
  outlived,
  repeatable,
  session,
} from "../domain/sessions.ts";
import { collection } from "../mixins/collection.ts";
import { DuplicateKey, type Store } from "../store/store.ts";
import { LoginThrottle } from "./users/login-throttle.ts";
import { hashPassword, isPassword } from "./users/password-hashing.ts";
import {
  accessTokens,
  newRefreshToken,
  nextRefreshToken,
  readRefreshToken,
} from "./users/tokens.ts";

interface Users extends Service {
  store: Store<AccountDocument>;
  guard: LoginThrottle;
  sign(userId: string, sid: string): Promise<string>;
  answer(account: AccountDocument, sid: string, refreshToken: string): Promise<Session>;
  account(id: string): Promise<AccountDocument>;
  end(
    ctx: Ctx<unknown>,
    account: AccountDocument,
    sids: string[],
    match: object,
    set?: object,
  ): Promise<AccountDocument | null>;
}

const networkIn = ({ meta }: Ctx<unknown>) => networkOf(meta.ip ?? "");
const wrong = () => refusal("UNAUTHENTICATED", "E-mail address or password is wrong");
const notValid = () => refusal("UNAUTHENTICATED", "The refresh token is not valid");

export default schema<Users>({
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

  actions: provide<"users", Users>("users", {
    async register(ctx) {
      const { email, password, name } = ctx.params;
      const network = networkIn(ctx);
      await this.guard.register(network);
      refuseCommon(password, "password");
      const now = new Date();
      const { id, sid } = { id: randomUUID(), sid: randomUUID() };
      const token = newRefreshToken(id, sid);
      const first = async () => {
        if (await this.store.one({ email: email.toLowerCase() })) throw refusal("EMAIL_TAKEN");
      };
      const account = {
        ...newAccount(id, email, name, await hashPassword(password, { network, first }), now),
        sessions: { [sid]: session(token.hashes, now) },
      };
      // Of many at once that all found it free, the index lets one through.
      await this.store.insert(account).catch((error: unknown) => {
        throw error instanceof DuplicateKey ? refusal("EMAIL_TAKEN") : error;
      });
      return this.answer(account, sid, token.value);
    },

    async login(ctx) {
      const { email, password } = ctx.params;
      const network = networkIn(ctx);
      const attempt = await this.guard.signIn(network, email.toLowerCase());
      const account = await this.store.one({ email: email.toLowerCase() });
      if (
        !(await isPassword(password, account?.password, { network, first: attempt.begin })) ||
        !account
      )
        throw wrong();
      await attempt.succeed();
      const now = new Date();
      const sid = randomUUID();
      const token = newRefreshToken(account._id, sid);
      // Only while the password is still the one that was checked.
      const begun = await this.end(
        ctx,
        account,
        outlived(account.sessions, now),
        { password: account.password },
        { [`sessions.${sid}`]: session(token.hashes, now) },
      );
      if (!begun) throw wrong();
      return this.answer(begun, sid, token.value);
    },

    async refresh(ctx) {
      const token = readRefreshToken(ctx.params.refreshToken);
      const { userId, sid, hashes } = token;
      await this.guard.refresh(networkIn(ctx), sid);
      const account = await this.store.one({ _id: userId });
      const now = new Date();
      if (!account || !isOf(account.sessions[sid], hashes, now)) throw notValid();
      const next = nextRefreshToken(token, ctx.params.idempotencyKey);
      const [tokenField, expiryField] = [`sessions.${sid}.token`, `sessions.${sid}.expiresAt`];
      const renew = (match: object, set: object) =>
        this.store.change(
          { _id: userId, ...match },
          { $set: { [tokenField]: next.hashes.token, ...set } },
        );
      const renewed =
        // Of two that bring the same token at once, one matches; the other's is spent by then.
        (await renew({ [tokenField]: hashes.token }, { [expiryField]: expiry(now) })) ??
        // Unless both are the same refresh. The write changes nothing: it reads what was written last.
        (await renew(
          { [tokenField]: next.hashes.token, [expiryField]: { $gt: repeatable(now) } },
          {},
        ));
      if (renewed) return this.answer(renewed, sid, next.value);
      // Somebody copied it.
      await this.end(ctx, account, [sid], {});
      throw notValid();
    },

    async logout(ctx) {
      const caller = signedIn(ctx);
      const { userId, sid, hashes } = readRefreshToken(ctx.params.refreshToken);
      const account = userId === caller.id ? await this.store.one({ _id: userId }) : null;
      if (!account || !isOf(account.sessions[sid], hashes, new Date())) throw notValid();
      await this.end(ctx, account, [sid], {});
      return null;
    },

    async changePassword(ctx) {
      const { id } = signedIn(ctx);
      const network = networkIn(ctx);
      await this.guard.changePassword(id);
      refuseCommon(ctx.params.newPassword, "newPassword");
      const account = await this.account(id);
      if (!(await isPassword(ctx.params.password, account.password, { network })))
        throw refusal("FORBIDDEN", "The password is wrong");
      const sid = randomUUID();
      const token = newRefreshToken(account._id, sid);
      const password = await hashPassword(ctx.params.newPassword, { network });
      // All sessions at once, so that one begun with the old password in this very moment ends too.
      const sessions = { [sid]: session(token.hashes, new Date()) };
      const changed = await this.end(
        ctx,
        account,
        Object.keys(account.sessions),
        { password: account.password },
        { password, sessions },
      );
      if (!changed) throw refusal("FORBIDDEN", "The password was changed meanwhile");
      return this.answer(changed, sid, token.value);
    },

    async me(ctx) {
      return toUser(await this.account(signedIn(ctx).id));
    },

    async profile({ params }) {
      const { _id: id, name } = await this.account(params.id);
      return { id, name };
    },

    async ended() {
      const now = new Date();
      const accounts = await this.store.find({ endedUntil: { $gt: now.toISOString() } });
      return { sessions: accounts.flatMap((account) => endedOf(account, now)) };
    },

    async health() {
      await this.store.ping();
      return { ok: true };
    },
  }),

  methods: {
    async account(id: string) {
      const account = await this.store.one({ _id: id });
      if (!account) throw refusal("NOT_FOUND", "No such user");
      return account;
    },

    async answer(account: AccountDocument, sid: string, refreshToken: string): Promise<Session> {
      return {
        user: toUser(account),
        accessToken: await this.sign(account._id, sid),
        refreshToken,
        expiresIn: accessTokenSeconds,
      };
    },

    /** Ends sessions and sets what begins in their place, in one write; then tells those who check tokens. Null when `match` did not hold. */
    async end(
      ctx: Ctx<unknown>,
      account: AccountDocument,
      sids: string[],
      match: object,
      set: Record<string, unknown> = {},
    ) {
      const now = new Date();
      const until = new Date(now.getTime() + accessTokenSeconds * 1000).toISOString();
      const { set: ended, unset } = ending(account, sids, until, now);
      const gone =
        "sessions" in set ? unset.filter((field) => !field.startsWith("sessions.")) : unset;
      const $unset = Object.fromEntries(gone.map((field) => [field, true]));
      const after = await this.store.change(
        { _id: account._id, ...match },
        { $set: { ...ended, ...set }, $unset },
      );
      if (after)
        for (const sid of sids)
          void ctx.broadcast("users.sessionEnded", { sid, userId: account._id, until });
      return after;
    },
  },

  created() {
    if (!env.keys.private) throw new Error("users needs the private key that signs tokens");
    this.sign = accessTokens(env.keys.private);
    this.guard = new LoginThrottle();
  },

  async started() {
    const password = env.hasSamples && env.keys.samplePassword;
    if (!password || (await this.store.count({})) > 0) return;
    // One hash for all, whose password is the same: each takes time to make, and memory that the process keeps.
    const hash = await hashPassword(password, { network: "" });
    for (const { id, email, name } of samplePeople)
      await this.store.insert(newAccount(id, email, name, hash, new Date()));
  },
});

function refuseCommon(password: string, field: string): void {
  if (isCommonPassword(password))
    throw badData([{ field, message: "is one of the most common, which are guessed first" }]);
}

const newAccount = (
  id: string,
  email: string,
  name: string,
  password: string,
  now: Date,
): AccountDocument => ({
  _id: id,
  v: 1,
  email: email.toLowerCase(),
  name: name.trim(),
  createdAt: now.toISOString(),
  password,
  sessions: {},
  ended: {},
});

const toUser = ({ _id: id, name, email, createdAt }: AccountDocument): User => ({
  id,
  name,
  email,
  createdAt,
});
