import { useState } from "preact/hooks";
import { errorText } from "../error-messages.ts";
import { mailLanguage } from "../mail-language.ts";
import { souk, SoukError, useSession } from "../souk.ts";
import { t } from "../texts.ts";

/** Says that the address is not verified, and sends the mail again. Nothing when it is verified. */
export function VerificationHint() {
  const { user } = useSession();
  const [message, setMessage] = useState("");
  const [isBusy, setBusy] = useState(false);
  // A market of 0.1.0 does not know the field, and sends no mails.
  if (!user || user.isVerified !== false) return null;

  const send = async () => {
    if (isBusy) return;
    setBusy(true);
    try {
      const { isVerified } = await souk.requestVerification(mailLanguage());
      setMessage(t.verification.sent);
      if (isVerified) await souk.me();
    } catch (error) {
      const isTooMany = error instanceof SoukError && error.code === "TOO_MANY_REQUESTS";
      setMessage(isTooMany ? t.verification.tooMany : errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="not-live is-verification">
      <p>
        {t.verification.hint(<bdi>{user.email}</bdi>)} <span role="status">{message}</span>
      </p>
      <button
        type="button"
        class="button is-secondary is-small"
        aria-disabled={isBusy}
        onClick={() => void send()}
      >
        {t.verification.sendAgain}
      </button>
    </div>
  );
}
