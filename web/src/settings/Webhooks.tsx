import { useState } from "preact/hooks";
import type { Webhook, WebhookWithSecret } from "../../../client/index.ts";
import { announce } from "../announcer.ts";
import { souk, type SoukError } from "../souk.ts";
import { t } from "../texts.ts";
import { Field } from "../ui/Field.tsx";
import { Form, requireFields, type FieldErrors, type Values } from "../ui/Form.tsx";
import { LoadError } from "../ui/LoadError.tsx";
import { RowsSkeleton } from "../ui/Skeletons.tsx";
import { useLoaded } from "../use-loaded.ts";
import { WebhookEntry } from "./WebhookEntry.tsx";

/** The user's own systems, which get every notice. */
export function Webhooks({ userId }: { userId: string }) {
  const { value, error, reload } = useLoaded(`webhooks of ${userId}`, () =>
    souk.channels.webhooks(),
  );
  const [secret, setSecret] = useState<WebhookWithSecret>();
  const showSecret = (shown: WebhookWithSecret) => {
    setSecret(shown);
    reload();
  };
  return (
    <section class="settings-group" aria-labelledby="webhooks">
      <h2 id="webhooks">{t.settings.webhooks.heading}</h2>
      <p class="hint">{t.settings.webhooks.hint}</p>
      {secret && <Secret webhook={secret} close={() => setSecret(undefined)} />}
      {!value && error ? <LoadError error={error} retry={reload} /> : null}
      {!value && !error && <RowsSkeleton />}
      <ul class="settings-list">
        {value?.map((webhook: Webhook) => (
          <WebhookEntry
            key={webhook.id}
            webhook={webhook}
            showSecret={showSecret}
            reload={reload}
          />
        ))}
      </ul>
      {value && <NewWebhook showSecret={showSecret} />}
    </section>
  );
}

/** A secret, which is shown once. */
const Secret = ({ webhook, close }: { webhook: WebhookWithSecret; close: () => void }) => (
  <div class="secret" role="status">
    <p>{t.settings.webhooks.secret(webhook.url)}</p>
    <p>
      <code>{webhook.secret}</code>
    </p>
    <p>
      <button type="button" class="button is-secondary is-small" onClick={close}>
        {t.settings.webhooks.secretStored}
      </button>
    </p>
  </div>
);

const explain = ({ code, errors }: SoukError): FieldErrors | undefined => {
  if (code === "TOO_MANY_WEBHOOKS") return { "": t.errors.TOO_MANY_WEBHOOKS };
  return errors?.some(({ field }) => field === "url")
    ? { url: t.settings.webhooks.urlInvalid }
    : undefined;
};

function NewWebhook({ showSecret }: { showSecret(webhook: WebhookWithSecret): void }) {
  const [attempt, setAttempt] = useState(0);
  const add = async (values: Values) => {
    requireFields(values, { url: t.settings.webhooks.urlInvalid });
    const description = values.description?.trim();
    showSecret(
      await souk.channels.addWebhook({
        url: values.url!.trim(),
        ...(description && { description }),
      }),
    );
    announce(t.settings.webhooks.added);
    // An empty form for the next one.
    setAttempt(attempt + 1);
  };
  return (
    <Form key={attempt} submit={add} submitLabel={t.settings.webhooks.add} explain={explain}>
      {(errors) => <WebhookFields errors={errors} />}
    </Form>
  );
}

const WebhookFields = ({ errors }: { errors: FieldErrors }) => (
  <>
    <Field
      label={t.settings.webhooks.url}
      name="url"
      type="url"
      inputMode="url"
      autoComplete="off"
      spellcheck={false}
      maxLength={2048}
      hint={t.settings.webhooks.urlHint}
      error={errors.url}
    />
    <Field
      label={t.settings.webhooks.description}
      name="description"
      autoComplete="off"
      maxLength={200}
      error={errors.description}
    />
  </>
);
