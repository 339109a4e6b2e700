import type { Device } from "../../../client/index.ts";
import { device, unsubscribe } from "../device.ts";
import { souk } from "../souk.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";
import { TaskButton, TaskMessage } from "../ui/TaskButton.tsx";
import { Time } from "../ui/Time.tsx";
import { useTask } from "../use-task.ts";
import type { SettingsProps } from "./Channels.tsx";

/** The browsers that get pushes. */
export function Devices({ preferences, show }: SettingsProps) {
  const task = useTask();
  const { id: ownId } = useObservable(device);
  const { devices } = preferences;
  const remove = async ({ id }: Device) => {
    await (id === ownId ? unsubscribe() : souk.channels.removeDevice(id));
    show(await souk.channels.preferences());
    return t.settings.devices.removed;
  };
  if (!preferences.available.push) return null;
  return (
    <section class="settings-group" aria-labelledby="devices">
      <h2 id="devices">{t.settings.devices.heading}</h2>
      {devices.length === 0 && <p class="hint">{t.settings.devices.none}</p>}
      <ul class="settings-list">
        {devices.map((one) => {
          const name = one.label ?? t.settings.devices.unnamed;
          return (
            <li key={one.id}>
              <p>
                <bdi>{name}</bdi> {one.id === ownId && t.settings.devices.this}
                <span class="hint">{t.settings.devices.since(<Time at={one.createdAt} />)}</span>
              </p>
              <TaskButton
                task={task}
                work={() => remove(one)}
                label={t.settings.devices.removeNamed(name)}
              >
                {t.settings.devices.remove}
              </TaskButton>
            </li>
          );
        })}
      </ul>
      <TaskMessage task={task} />
    </section>
  );
}
