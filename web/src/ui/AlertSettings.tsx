import { alerts, canNotify, setDesktop, setSound } from "../alerts.ts";
import { useObservable } from "../state.ts";

export function AlertSettings() {
  const { sound, desktop } = useObservable(alerts);
  return (
    <fieldset class="alert-settings">
      <legend>When an item is sold</legend>
      <label>
        <input
          type="checkbox"
          checked={sound}
          onChange={({ currentTarget }) => setSound(currentTarget.checked)}
        />{" "}
        Play a sound
      </label>
      {canNotify && (
        <label>
          <input
            type="checkbox"
            checked={desktop}
            onChange={({ currentTarget }) => void setDesktop(currentTarget.checked)}
          />{" "}
          Show a desktop notification
        </label>
      )}
    </fieldset>
  );
}
