import type { Preferences, PreferencesChange } from "../../../client/index.ts";
import { device, subscribe, unsubscribe, type DeviceStatus } from "../device.ts";
import { languageNames } from "../names.ts";
import { souk } from "../souk.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";
import { TaskButton, TaskMessage } from "../ui/TaskButton.tsx";
import { useTask } from "../use-task.ts";

export interface SettingsProps {
  preferences: Preferences;
  /** Shows changed preferences. */
  show(preferences: Preferences): void;
}

/** What reaches the user without an open page: push and mail. */
export const Channels = (props: SettingsProps) => (
  <section class="settings-group" aria-labelledby="channels">
    <h2 id="channels">{t.settings.channels}</h2>
    <Channel name="push" {...props} />
    <ThisBrowser {...props} />
    <Channel name="mail" {...props} />
    <LanguageChoice {...props} />
  </section>
);

function Channel({ name, preferences, show }: SettingsProps & { name: "push" | "mail" }) {
  const task = useTask();
  const { label, hint, test } = t.settings[name];
  const isAvailable = preferences.available[name];
  const change = async (change: PreferencesChange) => show(await souk.channels.change(change));
  return (
    <div class="setting">
      <label>
        <input
          type="checkbox"
          checked={preferences[name] && isAvailable}
          disabled={!isAvailable}
          aria-describedby={`${name}-hint`}
          onChange={({ currentTarget: { checked } }) =>
            task.run(() => change(name === "push" ? { push: checked } : { mail: checked }))
          }
        />{" "}
        {label}
      </label>
      <p class="hint" id={`${name}-hint`}>
        {isAvailable ? hint : t.settings.notAvailable}
      </p>
      {isAvailable && preferences[name] && (
        <TaskButton task={task} label={test} work={() => sendTest({ channel: name })}>
          {t.settings.test}
        </TaskButton>
      )}
      <TaskMessage task={task} />
    </div>
  );
}

/** Sends a test notice, and says how that ended. */
export async function sendTest(what: Parameters<typeof souk.channels.test>[0]): Promise<string> {
  const { isSent, reason } = await souk.channels.test(what);
  return isSent ? t.settings.testSent : t.settings.testFailed(reason ?? "");
}

function ThisBrowser({ preferences: { available }, show }: SettingsProps) {
  const { status } = useObservable(device);
  const task = useTask();
  if (!available.push) return null;
  const change = async (work: () => Promise<void>) => {
    await work();
    show(await souk.channels.preferences());
  };
  const texts: Record<DeviceStatus, string> = t.settings.thisBrowser;
  return (
    <div class="setting is-inner">
      <p class="hint">{texts[status]}</p>
      {status === "off" && (
        <TaskButton task={task} work={() => change(subscribe)}>
          {t.settings.subscribe}
        </TaskButton>
      )}
      {status === "on" && (
        <TaskButton task={task} work={() => change(unsubscribe)}>
          {t.settings.unsubscribe}
        </TaskButton>
      )}
      <TaskMessage task={task} />
    </div>
  );
}

type Language = keyof typeof languageNames;

function LanguageChoice({ preferences, show }: SettingsProps) {
  const task = useTask();
  return (
    <div class="setting">
      <label class="is-choice">
        {t.settings.language}
        <select
          value={preferences.language}
          onChange={({ currentTarget: { value } }) =>
            task.run(async () => show(await souk.channels.change({ language: value as Language })))
          }
        >
          {Object.entries(languageNames).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <TaskMessage task={task} />
    </div>
  );
}
