import { render } from "preact";
import { App } from "./app.tsx";
import { parts, suspect } from "./outages.ts";
import { isAway, souk } from "./item-cache.ts";
import "./style/index.css";

/** Signs in again whoever was; while users is away, whenever it may be back. */
async function resume(): Promise<void> {
  try {
    await souk.resume();
  } catch (error) {
    if (isAway(error)) suspect();
  }
}

void resume();
parts.subscribe(
  ({ healed }) => healed > 0 && souk.session.get().status === "unknown" && void resume(),
);
render(<App />, document.getElementById("page")!);
