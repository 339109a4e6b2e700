import { useState } from "preact/hooks";
import type { Preferences } from "../../../client/index.ts";
import { souk } from "../souk.ts";
import { t } from "../texts.ts";
import { TaskButton, TaskMessage } from "../ui/TaskButton.tsx";
import { useTask } from "../use-task.ts";
import type { SettingsProps } from "./Channels.tsx";

type Hours = NonNullable<Preferences["quietHours"]>;

const ownTimeZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** All zones that the browser knows, and the given one. */
const timeZones = (...more: string[]) =>
  [...new Set([...more, ...Intl.supportedValuesOf("timeZone"), "UTC"])].toSorted();

/** A daily time in which pushes and mails wait. */
export function QuietHours({ preferences, show }: SettingsProps) {
  const stored = preferences.quietHours;
  const task = useTask();
  const [hours, setHours] = useState(
    stored ?? { from: "22:00", to: "07:00", timeZone: ownTimeZone() },
  );
  const save = async (quietHours: Hours | null, done: string) => {
    show(await souk.channels.change({ quietHours }));
    return done;
  };
  const saveHours = async () =>
    !hours.from || !hours.to || hours.from === hours.to
      ? t.settings.quiet.notValid
      : save(hours, t.settings.quiet.saved);
  return (
    <section class="settings-group" aria-labelledby="quiet-hours">
      <h2 id="quiet-hours">{t.settings.quiet.heading}</h2>
      <p class="hint">{t.settings.quiet.hint}</p>
      <HoursFields hours={hours} set={setHours} />
      <p class="actions">
        <TaskButton task={task} work={saveHours}>
          {stored ? t.settings.quiet.save : t.settings.quiet.turnOn}
        </TaskButton>
        {stored && (
          <TaskButton task={task} work={() => save(null, t.settings.quiet.removed)}>
            {t.settings.quiet.turnOff}
          </TaskButton>
        )}
      </p>
      <TaskMessage task={task} />
    </section>
  );
}

const HoursFields = ({ hours, set }: { hours: Hours; set(hours: Hours): void }) => (
  <div class="settings-fields">
    <TimeField
      label={t.settings.quiet.from}
      value={hours.from}
      set={(from) => set({ ...hours, from })}
    />
    <TimeField label={t.settings.quiet.to} value={hours.to} set={(to) => set({ ...hours, to })} />
    <label>
      {t.settings.quiet.timeZone}
      <select
        value={hours.timeZone}
        onChange={({ currentTarget: { value } }) => set({ ...hours, timeZone: value })}
      >
        {timeZones(hours.timeZone).map((zone) => (
          <option key={zone}>{zone}</option>
        ))}
      </select>
    </label>
  </div>
);

interface TimeFieldProps {
  label: string;
  value: string;
  set(value: string): void;
}

const TimeField = ({ label, value, set }: TimeFieldProps) => (
  <label>
    {label}
    <input
      type="time"
      value={value}
      onInput={({ currentTarget }) => set(currentTarget.value.slice(0, 5))}
    />
  </label>
);
