/** Signing in and registering. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { announce } from "../announcer.ts";
import { outages } from "../outages.ts";
import { navigate, safePath, useAddress } from "../router.ts";
import { souk, useSession, type SoukError } from "../souk.ts";
import { useObservable } from "../state.ts";
import { Field } from "../ui/Field.tsx";
import {
  Form,
  requireFields,
  ValidationError,
  type FieldErrors,
  type Values,
} from "../ui/Form.tsx";
import { Star } from "../ui/Star.tsx";
import { Title } from "../ui/Title.tsx";

/** Navigates to the address in the query's `to` when the visitor signs in, here or in another tab. Returns the query for links. */
function useReturnAddress(): string {
  const { query } = useAddress();
  const { status } = useSession();
  const to = safePath(query.get("to"));
  useEffect(() => {
    if (status === "signedIn") navigate(to, { replace: true });
  }, [status]);
  return query.has("to") ? `?to=${encodeURIComponent(to)}` : "";
}

export function explainAuthError({ code, retryAfter }: SoukError): string | undefined {
  switch (code) {
    case "INVALID_CREDENTIALS":
      return "The email address and the password do not match.";
    case "EMAIL_TAKEN":
      return "There is already an account with this email address. Sign in instead.";
    case "TOO_MANY_REQUESTS":
      return `Too many attempts. Wait ${retryAfter ?? 60} seconds.`;
    case "UNAVAILABLE":
    case "TIMEOUT":
      return "Signing in is not available at the moment. Try again later.";
    default:
      return undefined;
  }
}

/** Throws a ValidationError unless the field has as many characters as the contract requires. */
export function checkNewPassword(field: string, { [field]: password = "" }: Values): void {
  if (password.length < 8 || password.length > 256)
    throw new ValidationError({ [field]: "The password must have 8 to 256 characters." });
}

interface PanelProps {
  title: string;
  children: ComponentChildren;
}

export const Panel = ({ title, children }: PanelProps) => (
  <div class="panel">
    <Star />
    <Title>{title}</Title>
    {children}
  </div>
);

interface AuthFieldProps {
  errors: FieldErrors;
}

const EmailField = ({ errors }: AuthFieldProps) => (
  <Field
    label="Email address"
    name="email"
    type="email"
    autoComplete="username"
    required
    error={errors.email}
  />
);

export function SignIn() {
  const query = useReturnAddress();
  const signIn = async ({ email = "", password = "" }: Values) => {
    requireFields(
      { email, password },
      { email: "Enter your email address.", password: "Enter your password." },
    );
    const user = await souk.signIn({ email: email.trim(), password });
    announce(`Welcome, ${user.name}.`);
  };
  return (
    <Panel title="Sign in">
      <Form
        submit={signIn}
        submitLabel="Sign in"
        explain={explainAuthError}
        aside={<a href={`/shop/register${query}`}>Create an account</a>}
      >
        {(errors) => (
          <>
            <EmailField errors={errors} />
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="current-password"
              required
              error={errors.password}
            />
          </>
        )}
      </Form>
    </Panel>
  );
}

export function Register() {
  const query = useReturnAddress();
  const register = async (values: Values) => {
    const { name = "", email = "", password = "" } = values;
    requireFields(values, { name: "Enter your name.", email: "Enter your email address." });
    checkNewPassword("password", values);
    await souk.register({ name: name.trim(), email: email.trim(), password });
    announce(`Welcome, ${name}.`);
  };
  return (
    <Panel title="Create an account">
      <Form
        submit={register}
        submitLabel="Create account"
        explain={explainAuthError}
        aside={<a href={`/shop/sign-in${query}`}>I have an account</a>}
      >
        {(errors) => <RegisterFields errors={errors} />}
      </Form>
    </Panel>
  );
}

const RegisterFields = ({ errors }: AuthFieldProps) => (
  <>
    <Field
      label="Name"
      name="name"
      autoComplete="name"
      maxLength={100}
      hint="Other users see this name."
      required
      error={errors.name}
    />
    <EmailField errors={errors} />
    <Field
      label="Password"
      name="password"
      type="password"
      autoComplete="new-password"
      hint="At least 8 characters."
      required
      error={errors.password}
    />
  </>
);

/** Stands for a view that needs a user. Leads to the sign-in view once it is known that no user is signed in. */
export function RequireSignIn() {
  const { path, query } = useAddress();
  const { status } = useSession();
  const { unavailable } = useObservable(outages);
  useEffect(() => {
    if (status !== "signedOut") return;
    const to = query.size > 0 ? `${path}?${query}` : path;
    navigate(`/shop/sign-in?to=${encodeURIComponent(to)}`, { replace: true });
  }, [status]);
  return (
    <>
      <Title>Please wait</Title>
      <p class={unavailable.length > 0 ? "empty-state" : "empty-state is-loading"} role="status">
        {unavailable.length > 0
          ? "Signing in is not available at the moment. This page continues automatically."
          : "Checking whether you are signed in…"}
      </p>
    </>
  );
}
