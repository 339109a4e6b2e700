import { render } from "preact";
import { App } from "./app.tsx";
import { followDevice } from "./device.ts";
import { isUnavailable } from "./error-messages.ts";
import { outages, reportFailure } from "./outages.ts";
import { souk } from "./souk.ts";
import { loadTexts } from "./texts.ts";
import { registerWorker } from "./worker/register.ts";
import "./style/index.css";

/** Continues the session of the last visit; after an outage, as soon as possible. */
async function resume(): Promise<void> {
  try {
    await souk.resume();
  } catch (error) {
    if (isUnavailable(error)) reportFailure();
  }
}

void resume();
outages.subscribe(
  ({ recoveries }) => recoveries > 0 && souk.session.get().status === "unknown" && void resume(),
);
await loadTexts();
registerWorker();
followDevice();
render(<App />, document.getElementById("page")!);
