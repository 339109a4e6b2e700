/** Signing in and registering. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { announce } from "../announcer.ts";
import { outages } from "../outages.ts";
import { keyPerContent } from "../repeatable.ts";
import { navigate, safePath, useAddress } from "../router.ts";
import { souk, useSession, type SoukError } from "../souk.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";
import { mailLanguage } from "../mail-language.ts";
import { Field, useFirstField } from "../ui/Field.tsx";
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

export function explainAuthError({ code, retryAfter }: SoukError): FieldErrors | undefined {
  switch (code) {
    case "INVALID_CREDENTIALS":
      return { "": t.errors.INVALID_CREDENTIALS };
    case "EMAIL_TAKEN":
      return { email: t.errors.EMAIL_TAKEN };
    case "TOO_MANY_REQUESTS":
      return { "": t.auth.tooManyAttempts(Math.ceil(retryAfter ?? 60)) };
    case "UNAVAILABLE":
    case "TIMEOUT":
      return { "": t.auth.unavailable };
    default:
      return undefined;
  }
}

/** Throws a ValidationError unless the field has as many characters as the contract requires. */
export function checkNewPassword(field: string, { [field]: password = "" }: Values): void {
  const { length } = [...password];
  if (length < 8 || length > 256) throw new ValidationError({ [field]: t.auth.passwordLength });
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

/** A panel whose first field has the focus, so that the visitor or a password manager can type at once. */
function FocusedPanel(panel: PanelProps) {
  const fields = useFirstField();
  return (
    <div ref={fields}>
      <Panel {...panel} />
    </div>
  );
}

interface AuthFieldProps {
  errors: FieldErrors;
}

const EmailField = ({ errors }: AuthFieldProps) => (
  <Field
    label={t.auth.email}
    name="email"
    type="email"
    autoComplete="username"
    autoCapitalize="none"
    spellcheck={false}
    required
    error={errors.email}
  />
);

export function SignIn() {
  const query = useReturnAddress();
  const signIn = async ({ email = "", password = "" }: Values) => {
    requireFields(
      { email, password },
      { email: t.auth.emailMissing, password: t.auth.passwordMissing },
    );
    const user = await souk.signIn({ email: email.trim(), password });
    announce(t.auth.welcome(user.name));
  };
  return (
    <FocusedPanel title={t.auth.signIn}>
      <Form
        submit={signIn}
        submitLabel={t.auth.signIn}
        explain={explainAuthError}
        aside={<a href={`/shop/register${query}`}>{t.auth.createAccount}</a>}
      >
        {(errors) => (
          <>
            <EmailField errors={errors} />
            <Field
              label={t.auth.password}
              name="password"
              type="password"
              autoComplete="current-password"
              required
              error={errors.password}
            />
          </>
        )}
      </Form>
    </FocusedPanel>
  );
}

export function Register() {
  const query = useReturnAddress();
  const [keyOf] = useState(keyPerContent);
  const register = async (values: Values) => {
    const { name = "", email = "", password = "" } = values;
    requireFields(values, { name: t.auth.nameMissing, email: t.auth.emailMissing });
    checkNewPassword("password", values);
    const registration = {
      ...{ name: name.trim(), email: email.trim(), password },
      ...mailLanguage(),
    };
    await souk.register({ ...registration, idempotencyKey: keyOf(registration) });
    announce(t.auth.welcome(name));
  };
  return (
    <FocusedPanel title={t.auth.createAccount}>
      <Form
        submit={register}
        submitLabel={t.auth.create}
        explain={explainAuthError}
        aside={<a href={`/shop/sign-in${query}`}>{t.auth.haveAccount}</a>}
      >
        {(errors) => <RegisterFields errors={errors} />}
      </Form>
    </FocusedPanel>
  );
}

const RegisterFields = ({ errors }: AuthFieldProps) => (
  <>
    <Field
      label={t.auth.name}
      name="name"
      autoComplete="name"
      maxLength={100}
      hint={t.auth.nameHint}
      required
      error={errors.name}
    />
    <EmailField errors={errors} />
    <Field
      label={t.auth.password}
      name="password"
      type="password"
      autoComplete="new-password"
      hint={t.auth.passwordHint}
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
      <Title>{t.auth.pleaseWait}</Title>
      <p class={unavailable.length > 0 ? "empty-state" : "empty-state is-loading"} role="status">
        {unavailable.length > 0 ? t.auth.continuesAutomatically : t.auth.checking}
      </p>
    </>
  );
}
