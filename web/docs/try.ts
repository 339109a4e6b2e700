/** The form that fills in and sends a call, with the code that does the same. */
import { button, code, element } from "./element.ts";
import { bodyOf, needsUser, type Call } from "./operation.ts";
import { curl, javaScript, prepare, type Filled } from "./samples.ts";
import { sameOrigin, signIn, token, watchSession } from "./session.ts";

export function tryCall(call: Call): Element {
  const form = element("form", { class: "try" });
  const inputs = (call.parameters ?? []).map((parameter) => {
    const value = parameter.required ? String(parameter.example) : "";
    const placeholder = parameter.required ? "" : "not sent";
    const input = element("input", { name: parameter.name, value, placeholder });
    input.required = parameter.required;
    form.append(labelled(parameter.name, input));
    return input;
  });
  const body = bodyOf(call) && element("textarea", { spellcheck: "false" });
  if (body) {
    const example = JSON.stringify(bodyOf(call)!.example, null, 2);
    body.rows = example.split("\n").length;
    if (call.requestBody!.required) body.value = example;
    else body.placeholder = `not sent; for example\n${example}`;
    form.append(labelled("Body", body));
  }
  const filled = (): Filled => ({
    values: Object.fromEntries(inputs.map(({ name, value }) => [name, value])),
    body: body?.value,
  });
  const samples = [sample("curl", curl), sample("JavaScript", javaScript)] as const;
  const update = () => samples.forEach((one) => one.show(call, filled()));
  form.addEventListener("input", update);
  update();
  form.append(...sending(call, form, filled));
  return element("div", { class: "trial" }, form, ...samples.map((one) => one.element));
}

const labelled = (name: string, input: Element) =>
  element("label", { class: "field" }, element("span", {}, name), input);

/** The button and the answer. */
function sending(call: Call, form: HTMLFormElement, filled: () => Filled): Element[] {
  const answer = element("div", { class: "answer", role: "status" });
  const submit = element("button", { class: "button is-small" });
  watchSession((isSignedIn) => {
    submit.textContent = needsUser(call) && !isSignedIn ? "Sign in and send" : "Send";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void (async () => {
      if (needsUser(call) && !token()) await signIn();
      if (needsUser(call) && !token()) return;
      answer.replaceChildren("Sending…");
      answer.replaceChildren(...(await send(call, filled())));
    })();
  });
  return [element("div", { class: "actions" }, submit), answer];
}

async function send(call: Call, filled: Filled): Promise<(Element | string)[]> {
  const { method, target, headers, body } = prepare(call, filled);
  try {
    const response = await fetch(target, {
      ...{ method, body: body ?? null, ...sameOrigin },
      headers: { ...headers, ...(needsUser(call) && { authorization: `Bearer ${token()}` }) },
    });
    const text = await response.text();
    const status = element("strong", {}, `${response.status} ${response.statusText}`.trim());
    return text ? [status, code(indented(text))] : [status];
  } catch {
    return ["The market did not answer."];
  }
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Code for a call as it is filled in, with a button that copies it. */
function sample(title: string, write: typeof curl) {
  const shown = element("code", {});
  const copy = button("Copy", "is-secondary is-small", async () => {
    const isCopied = await navigator.clipboard.writeText(shown.textContent).then(
      () => true,
      () => false,
    );
    copy.textContent = isCopied ? "Copied" : "Select the text to copy it";
    setTimeout(() => (copy.textContent = "Copy"), 2_000);
  });
  copy.setAttribute("aria-label", `Copy the ${title}`);
  return {
    show: (call: Call, filled: Filled) =>
      (shown.textContent = write(call, filled, location.origin)),
    element: element(
      "section",
      { class: "sample" },
      element("header", {}, element("h5", {}, title), copy),
      element("pre", { tabindex: "0" }, shown),
    ),
  };
}
