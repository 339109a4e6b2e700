import { useState } from "preact/hooks";
import type { Preferences } from "../../../client/index.ts";
import { Channels } from "../settings/Channels.tsx";
import { Devices } from "../settings/Devices.tsx";
import { QuietHours } from "../settings/QuietHours.tsx";
import { Webhooks } from "../settings/Webhooks.tsx";
import { souk, useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { AlertSettings } from "../ui/AlertSettings.tsx";
import { LoadError } from "../ui/LoadError.tsx";
import { RowsSkeleton } from "../ui/Skeletons.tsx";
import { Title } from "../ui/Title.tsx";
import { useLoaded } from "../use-loaded.ts";

/** How the user is reached: in this browser, on other devices, by mail and by webhooks. */
export function Settings() {
  const { id } = useSession().user!;
  return (
    <div class="settings">
      <Title>{t.settings.heading}</Title>
      <p class="settings-intro">{t.settings.intro}</p>
      <AlertSettings />
      <Reachable userId={id} key={id} />
    </div>
  );
}

function Reachable({ userId }: { userId: string }) {
  const { value, error, reload } = useLoaded(`preferences of ${userId}`, () =>
    souk.channels.preferences(),
  );
  const [changed, show] = useState<Preferences>();
  const preferences = changed ?? value;
  if (!preferences && error) return <LoadError error={error} retry={reload} />;
  if (!preferences) return <RowsSkeleton />;
  return (
    <>
      <Channels preferences={preferences} show={show} />
      <QuietHours preferences={preferences} show={show} />
      <Devices preferences={preferences} show={show} />
      <Webhooks userId={userId} />
    </>
  );
}
