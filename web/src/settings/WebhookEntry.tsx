import { useState } from "preact/hooks";
import type { Webhook, WebhookWithSecret } from "../../../client/index.ts";
import { souk } from "../souk.ts";
import { t } from "../texts.ts";
import { TaskButton, TaskMessage } from "../ui/TaskButton.tsx";
import { Time } from "../ui/Time.tsx";
import { useTask } from "../use-task.ts";
import { sendTest } from "./Channels.tsx";
import { WebhookDeliveries } from "./WebhookDeliveries.tsx";

interface WebhookEntryProps {
  webhook: Webhook;
  showSecret(webhook: WebhookWithSecret): void;
  /** Loads the list again. */
  reload(): void;
}

export function WebhookEntry({ webhook, showSecret, reload }: WebhookEntryProps) {
  const { id, url, description, disabledAt, reason } = webhook;
  const [isListed, setListed] = useState(false);
  return (
    <li class="webhook">
      <p>
        <bdi class="webhook-url">{url}</bdi>
        {description && (
          <span class="hint">
            <bdi>{description}</bdi>
          </span>
        )}
        {disabledAt && (
          <span class="error">
            {t.settings.webhooks.disabledAt(<Time at={disabledAt} />)}{" "}
            {reason && <bdi lang="en">{reason}</bdi>}
          </span>
        )}
      </p>
      <WebhookActions webhook={webhook} showSecret={showSecret} reload={reload} />
      <button
        type="button"
        class="button is-secondary is-small"
        aria-expanded={isListed}
        aria-label={t.settings.webhooks.deliveriesOf(url)}
        onClick={() => setListed(!isListed)}
      >
        {t.settings.webhooks.deliveries}
      </button>
      {isListed && <WebhookDeliveries id={id} />}
    </li>
  );
}

function WebhookActions({ webhook, showSecret, reload }: WebhookEntryProps) {
  const { id, url, disabledAt } = webhook;
  const task = useTask();
  const [isAsked, setAsked] = useState(false);
  const { channels } = souk;
  const texts = t.settings.webhooks;
  const change = async (work: Promise<unknown>) => {
    await work;
    reload();
  };
  const actions: [label: string, work: () => Promise<unknown>][] = [
    [texts.rotate, async () => showSecret(await channels.rotateSecret(id))],
    disabledAt
      ? [texts.enable, () => change(channels.enableWebhook(id, true))]
      : [texts.disable, () => change(channels.enableWebhook(id, false))],
    isAsked
      ? [texts.reallyRemove, () => change(channels.removeWebhook(id))]
      : [texts.remove, async () => setAsked(true)],
  ];
  if (!disabledAt)
    actions.unshift([t.settings.test, () => sendTest({ channel: "webhook", webhookId: id })]);
  return (
    <>
      <p class="actions">
        {actions.map(([label, work]) => (
          <TaskButton key={label} task={task} work={work} label={texts.of(label, url)}>
            {label}
          </TaskButton>
        ))}
      </p>
      <TaskMessage task={task} />
    </>
  );
}
