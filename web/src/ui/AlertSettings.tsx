import { alerts, canNotify, setDesktop, setSound } from "../alerts.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";

export function AlertSettings() {
  const { sound, desktop } = useObservable(alerts);
  return (
    <fieldset class="alert-settings">
      <legend>{t.inbox.whenSold}</legend>
      <label>
        <input
          type="checkbox"
          checked={sound}
          onChange={({ currentTarget }) => setSound(currentTarget.checked)}
        />{" "}
        {t.inbox.playSound}
      </label>
      {canNotify && (
        <label>
          <input
            type="checkbox"
            checked={desktop}
            onChange={({ currentTarget }) => void setDesktop(currentTarget.checked)}
          />{" "}
          {t.inbox.showDesktop}
        </label>
      )}
    </fieldset>
  );
}
