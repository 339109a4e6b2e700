import { announce } from "../announcer.ts";
import { discardDraft } from "../drafts.ts";
import { navigate } from "../router.ts";
import { souk, useSession, type SoukError } from "../souk.ts";
import { t } from "../texts.ts";
import { Field } from "../ui/Field.tsx";
import {
  Form,
  requireFields,
  ValidationError,
  type FieldErrors,
  type Values,
} from "../ui/Form.tsx";
import { VerificationHint } from "../ui/VerificationHint.tsx";
import { checkNewPassword, explainAuthError, Panel } from "./Auth.tsx";

export function Account() {
  const { id, name, email } = useSession().user!;
  return (
    <Panel title={name}>
      <p class="byline">
        <bdi>{email}</bdi> <a href={`/shop/sellers/${id}`}>{t.account.sellerPage}</a>
      </p>
      <p>
        <a href="/shop/settings">{t.settings.link}</a>
      </p>
      <p class="actions">
        <button type="button" class="button is-secondary" onClick={signOut}>
          {t.account.signOut}
        </button>
      </p>
      <VerificationHint />
      <h2>{t.account.changePassword}</h2>
      <Form submit={changePassword} submitLabel={t.account.changePassword} explain={explain}>
        {(errors) => <PasswordFields email={email} errors={errors} />}
      </Form>
    </Panel>
  );
}

async function signOut(): Promise<void> {
  // Leave first: this view needs a user.
  const { user } = souk.session.get();
  navigate("/");
  if (user) discardDraft(user.id);
  await souk.signOut();
  announce(t.account.signedOut);
}

const explain = (error: SoukError): FieldErrors | undefined =>
  error.code === "INVALID_CREDENTIALS"
    ? { password: t.account.currentWrong }
    : explainAuthError(error);

async function changePassword(values: Values): Promise<void> {
  const { password = "", newPassword = "" } = values;
  requireFields(values, { password: t.account.currentMissing });
  checkNewPassword("newPassword", values);
  if (newPassword === password) throw new ValidationError({ newPassword: t.account.samePassword });
  await souk.changePassword({ password, newPassword });
  announce(t.account.passwordChanged);
  navigate("/");
}

const PasswordFields = ({ email, errors }: { email: string; errors: FieldErrors }) => (
  <>
    {/* Password managers need the user's name. */}
    <input
      class="visually-hidden"
      type="text"
      name="email"
      autoComplete="username"
      value={email}
      readOnly
      tabIndex={-1}
      aria-hidden="true"
    />
    <Field
      label={t.account.currentPassword}
      name="password"
      type="password"
      autoComplete="current-password"
      error={errors.password}
    />
    <Field
      label={t.account.newPassword}
      name="newPassword"
      type="password"
      autoComplete="new-password"
      hint={t.account.newPasswordHint}
      error={errors.newPassword}
    />
  </>
);
