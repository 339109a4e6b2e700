/** The page of the API documentation: calls.ts renders the calls, events.ts the events. */
import { renderCalls } from "./calls.ts";
import { button } from "./element.ts";
import { renderEvents, type Document } from "./events.ts";
import type { OpenApi } from "./operation.ts";
import { endSession, signIn, watchSession } from "./session.ts";

async function show<T>(
  path: string,
  id: string,
  render: (target: Element, document: T) => Promise<void> | void,
): Promise<void> {
  const target = document.getElementById(id)!;
  try {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(String(answer.status));
    await render(target, (await answer.json()) as T);
  } catch {
    target.textContent = "This part could not be loaded. Reload the page to try again.";
  }
  target.removeAttribute("aria-busy");
}

const account = document.getElementById("account")!;
watchSession((isSignedIn) =>
  account.replaceChildren(
    isSignedIn ? button("Sign out", "", endSession) : button("Sign in", "", signIn),
  ),
);

await Promise.all([
  show<Document>("/asyncapi.json", "asyncapi", renderEvents),
  show<OpenApi>("/openapi.json", "openapi", renderCalls),
]);
// The target of the link has moved while the documents were loading.
const linked = document.getElementById(location.hash.slice(1));
if (linked instanceof HTMLDetailsElement) linked.open = true;
linked?.scrollIntoView();
