/** The ways in and out: signing in, registering, and the account of who did. */
import { useEffect } from "preact/hooks";
import { go, ownPath, usePlace } from "../router.ts";
import { souk, useSession, type SoukError } from "../item-cache.ts";
import { useStore } from "../state.ts";
import { parts } from "../outages.ts";
import { say } from "../voice.ts";
import { Star, Title } from "../ui/bits.tsx";
import { Field, Form, Wrong } from "../ui/Field.tsx";

/** Leaves for where the visitor wanted to go, once they are signed in: here, or on another tab. */
function useReturn(): string {
  const { query } = usePlace();
  const { status } = useSession();
  const to = ownPath(query.get("to"));
  useEffect(() => {
    if (status === "signedIn") go(to, { instead: true });
  }, [status]);
  return query.has("to") ? `?to=${encodeURIComponent(to)}` : "";
}

const awayWords = "Sign-in is away for a moment. Browsing goes on; try again soon.";

function explain({ code, retryAfter }: SoukError): string | undefined {
  if (code === "UNAUTHENTICATED") return "This e-mail address and password do not belong together.";
  if (code === "EMAIL_TAKEN") return "This address has an account already: sign in instead.";
  if (code === "TOO_MANY_REQUESTS") return `Too many tries. Wait ${retryAfter ?? 60} seconds.`;
  return code === "UNAVAILABLE" || code === "TIMEOUT" ? awayWords : undefined;
}

function required(values: Record<string, string>, words: Record<string, string>): void {
  const faults = Object.fromEntries(
    Object.entries(words).filter(([name]) => !values[name]?.trim()),
  );
  if (Object.keys(faults).length > 0) throw new Wrong(faults);
}

export function SignIn() {
  const back = useReturn();
  return (
    <div class="door">
      <Star />
      <Title>Sign in</Title>
      <Form
        submit="Sign in"
        explain={explain}
        act={async ({ email = "", password = "" }) => {
          required(
            { email, password },
            { email: "Your e-mail address, please.", password: "Your password, please." },
          );
          const user = await souk.signIn({ email: email.trim(), password });
          say(`Welcome, ${user.name}.`);
        }}
        aside={<a href={`/shop/register${back}`}>I have no account</a>}
      >
        {(faults) => (
          <>
            <Field
              label="E-mail"
              name="email"
              type="email"
              autoComplete="username"
              required
              fault={faults.email}
            />
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="current-password"
              required
              fault={faults.password}
            />
          </>
        )}
      </Form>
    </div>
  );
}

export function Register() {
  const back = useReturn();
  return (
    <div class="door">
      <Star />
      <Title>Join the market</Title>
      <Form
        submit="Join"
        explain={explain}
        act={async ({ name = "", email = "", password = "" }) => {
          required(
            { name, email },
            { name: "What shall others call you?", email: "Your e-mail address, please." },
          );
          longEnough({ password });
          await souk.register({ name: name.trim(), email: email.trim(), password });
          say(`Welcome, ${name}.`);
        }}
        aside={<a href={`/shop/sign-in${back}`}>I have an account</a>}
      >
        {(faults) => (
          <>
            <Field
              label="Name"
              name="name"
              autoComplete="name"
              maxLength={100}
              hint="Others see this."
              required
              fault={faults.name}
            />
            <Field
              label="E-mail"
              name="email"
              type="email"
              autoComplete="username"
              required
              fault={faults.email}
            />
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="new-password"
              hint="At least 8 characters."
              required
              fault={faults.password}
            />
          </>
        )}
      </Form>
    </div>
  );
}

function longEnough(password: Record<string, string>): void {
  const faults = Object.entries(password).filter(
    ([, value]) => value.length < 8 || value.length > 256,
  );
  if (faults.length > 0)
    throw new Wrong(
      Object.fromEntries(faults.map(([name]) => [name, "It must have 8 to 256 characters."])),
    );
}

export function Account() {
  const { user } = useSession();
  const leave = async () => {
    // First, because this view is nobody's then.
    go("/");
    await souk.signOut();
    say("Signed out.");
  };
  return (
    <div class="door">
      <Star />
      <Title>{user!.name}</Title>
      <p class="seller">
        {user!.email}. <a href={`/shop/sellers/${user!.id}`}>Your stall, as others see it</a>
      </p>
      <p class="actions">
        <button type="button" class="button is-quiet" onClick={leave}>
          Sign out
        </button>
      </p>
      <h2>Change the password</h2>
      <Form
        submit="Change it"
        explain={(error) =>
          error.code === "UNAUTHENTICATED" ? "This is not your present password." : explain(error)
        }
        act={async ({ password = "", newPassword = "" }) => {
          required({ password }, { password: "Your present password, please." });
          longEnough({ newPassword });
          await souk.changePassword({ password, newPassword });
          say("Changed. Everywhere else you are signed out now.");
          go("/");
        }}
      >
        {(faults) => (
          <>
            {/* For password managers. */}
            <input
              class="unseen"
              type="text"
              name="email"
              autoComplete="username"
              value={user!.email}
              readOnly
              tabIndex={-1}
              aria-hidden="true"
            />
            <Field
              label="Present password"
              name="password"
              type="password"
              autoComplete="current-password"
              fault={faults.password}
            />
            <Field
              label="New password"
              name="newPassword"
              type="password"
              autoComplete="new-password"
              hint="At least 8 characters. Everywhere else you will be signed out."
              fault={faults.newPassword}
            />
          </>
        )}
      </Form>
    </div>
  );
}

/** For views that are somebody's own. */
export function MustSignIn() {
  const { path, query } = usePlace();
  const { status } = useSession();
  const { away } = useStore(parts);
  useEffect(() => {
    if (status === "signedOut")
      go(`/shop/sign-in?to=${encodeURIComponent(query.size > 0 ? `${path}?${query}` : path)}`, {
        instead: true,
      });
  }, [status]);
  return (
    <>
      <Title>One moment</Title>
      <p class={away.length > 0 ? "empty" : "empty is-coming"} role="status">
        {away.length > 0
          ? "Sign-in is away for a moment. This view comes back by itself."
          : "Finding out who you are…"}
      </p>
    </>
  );
}
