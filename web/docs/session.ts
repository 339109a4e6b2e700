/** Signs in at this market, for the calls that readers try here. The access token stays in this page's memory. */
import { button, element } from "./element.ts";

let accessToken: string | undefined;
const changes = new EventTarget();

export const token = () => accessToken;
/** Calls back now and after each change. */
export function watchSession(render: (isSignedIn: boolean) => void): void {
  const update = () => render(accessToken !== undefined);
  changes.addEventListener("change", update);
  update();
}

export function endSession(): void {
  accessToken = undefined;
  changes.dispatchEvent(new Event("change"));
}

/** Opens the form. Resolves when it was closed. */
export function signIn(): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const error = element("p", { class: "error", role: "alert" });
  const form = element(
    "form",
    { class: "form" },
    element("h2", { id: "sign-in-title" }, "Sign in"),
    element(
      "p",
      {},
      "To try calls as a user of this market. Nothing is stored, and nothing leaves this server.",
    ),
    field("Email address", { name: "email", type: "email", autocomplete: "username" }),
    field("Password", { name: "password", type: "password", autocomplete: "current-password" }),
    error,
    element(
      "div",
      { class: "actions" },
      element("button", { class: "button" }, "Sign in"),
      button("Cancel", "is-secondary", () => dialog.close()),
    ),
  );
  const dialog: HTMLDialogElement = element("dialog", { "aria-labelledby": "sign-in-title" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(new FormData(form)).then(
      () => dialog.close(),
      (reason: Error) => (error.textContent = reason.message),
    );
  });
  dialog.addEventListener("close", () => (dialog.remove(), resolve(undefined)));
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

async function send(form: FormData): Promise<void> {
  const answer = await fetch("/users/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(form)),
    ...sameOrigin,
  });
  const result = (await answer.json()) as { accessToken: string; detail: string };
  if (!answer.ok) throw new Error(result.detail);
  accessToken = result.accessToken;
  changes.dispatchEvent(new Event("change"));
}

/** No cookies, no redirects: a request reaches this server only. */
export const sameOrigin: RequestInit = {
  mode: "same-origin",
  credentials: "omit",
  redirect: "error",
  cache: "no-store",
};

export function field(label: string, attributes: Record<string, string>) {
  const input = element("input", { required: "", ...attributes });
  return element("label", { class: "field" }, element("span", {}, label), input);
}
