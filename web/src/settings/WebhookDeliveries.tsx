import type { WebhookDelivery } from "../../../client/index.ts";
import { souk } from "../souk.ts";
import { t } from "../texts.ts";
import { LoadError } from "../ui/LoadError.tsx";
import { RowsSkeleton } from "../ui/Skeletons.tsx";
import { TaskButton, TaskMessage } from "../ui/TaskButton.tsx";
import { Time } from "../ui/Time.tsx";
import { useLoaded } from "../use-loaded.ts";
import { useTask } from "../use-task.ts";

/** What was sent to a webhook last. */
export function WebhookDeliveries({ id }: { id: string }) {
  const { value, error, reload } = useLoaded(`deliveries to ${id}`, () =>
    souk.channels.deliveries(id, { limit: 20 }),
  );
  const task = useTask();
  const texts = t.settings.webhooks;
  if (!value && error) return <LoadError error={error} retry={reload} />;
  if (!value) return <RowsSkeleton />;
  const replay = async (delivery: WebhookDelivery) => {
    await souk.channels.replay(id, delivery.id);
    reload();
    return texts.replayed;
  };
  if (value.deliveries.length === 0) return <p class="hint">{texts.noDeliveries}</p>;
  return (
    <>
      <ul class="webhook-deliveries">
        {value.deliveries.map((delivery) => (
          <li key={delivery.id}>
            <strong>{texts.states[delivery.state]}</strong>
            <code>{delivery.type}</code>
            <Time at={delivery.createdAt} />
            <Reason of={delivery} />
            <TaskButton
              task={task}
              work={() => replay(delivery)}
              label={texts.replayOf(delivery.id)}
            >
              {texts.replay}
            </TaskButton>
          </li>
        ))}
      </ul>
      <TaskMessage task={task} />
    </>
  );
}

/** The market's own words, which are English. */
const Reason = ({ of: { reason } }: { of: WebhookDelivery }) =>
  reason && (
    <bdi class="hint" lang="en">
      {reason}
    </bdi>
  );
