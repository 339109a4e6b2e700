import { announce } from "../announcer.ts";
import { navigate } from "../router.ts";
import { souk, useSession } from "../souk.ts";
import { Field } from "../ui/Field.tsx";
import { Form, requireFields, type FieldErrors, type Values } from "../ui/Form.tsx";
import { checkNewPassword, explainAuthError, Panel } from "./Auth.tsx";

export function Account() {
  const { id, name, email } = useSession().user!;
  return (
    <Panel title={name}>
      <p class="byline">
        {email}. <a href={`/shop/sellers/${id}`}>View your seller page</a>
      </p>
      <p class="actions">
        <button type="button" class="button is-secondary" onClick={signOut}>
          Sign out
        </button>
      </p>
      <h2>Change password</h2>
      <Form submit={changePassword} submitLabel="Change password" explain={explainAuthError}>
        {(errors) => <PasswordFields email={email} errors={errors} />}
      </Form>
    </Panel>
  );
}

async function signOut(): Promise<void> {
  // Leave first: this view needs a user.
  navigate("/");
  await souk.signOut();
  announce("You are signed out.");
}

async function changePassword(values: Values): Promise<void> {
  const { password = "", newPassword = "" } = values;
  requireFields(values, { password: "Enter your current password." });
  checkNewPassword("newPassword", values);
  await souk.changePassword({ password, newPassword });
  announce("Your password is changed. You are signed out on all other devices.");
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
      label="Current password"
      name="password"
      type="password"
      autoComplete="current-password"
      error={errors.password}
    />
    <Field
      label="New password"
      name="newPassword"
      type="password"
      autoComplete="new-password"
      hint="At least 8 characters. You will be signed out on all other devices."
      error={errors.newPassword}
    />
  </>
);
