import { useEffect, useState } from "preact/hooks";
import { errorText, isUnavailable } from "../error-messages.ts";
import { reportFailure, useRecovery } from "../outages.ts";
import { souk, SoukError, useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { Panel } from "./Auth.tsx";

type Outcome = "checking" | "done" | "already" | "notValid";

const outcomes: Partial<Record<string, Outcome>> = {
  ALREADY_VERIFIED: "already",
  LINK_NOT_VALID: "notValid",
  BAD_DATA: "notValid",
};

/** The view of the link in the mail. The token is in the fragment, which browsers send to no server. */
export function Verify() {
  const { status } = useSession();
  const [outcome, setOutcome] = useState<Outcome>("checking");
  const [error, setError] = useState<unknown>();

  const verify = async () => {
    setError(undefined);
    try {
      await souk.verify(location.hash.slice(1));
      setOutcome("done");
    } catch (failure) {
      const known = failure instanceof SoukError ? outcomes[failure.code] : undefined;
      if (known) setOutcome(known);
      else setError(failure);
      if (isUnavailable(failure)) reportFailure();
    }
  };
  useEffect(() => void verify(), []);
  useRecovery(error, () => void verify());
  const isVerified = outcome === "done" || outcome === "already";
  useEffect(() => {
    // Another user may be signed in here: the session shows what the server says.
    if (isVerified && status === "signedIn") void souk.me().catch(() => {});
  }, [isVerified, status]);

  return (
    <Panel title={t.verification.heading}>
      <p role="status">
        {error === undefined ? t.verification[outcome] : errorText(error)}{" "}
        {outcome === "notValid" && t.verification.sendAgainThere}
      </p>
      {outcome !== "checking" && (
        <p>
          <a href="/shop/account">{t.verification.toAccount}</a>
        </p>
      )}
    </Panel>
  );
}
