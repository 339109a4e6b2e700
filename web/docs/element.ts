/** Builds the elements of this page. */
type Child = Element | string | false | undefined;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string>,
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  created.append(...children.filter((child) => child !== false && child !== undefined));
  return created;
}

/** A paragraph. Text between backticks becomes code. */
export const prose = (text: string) => element("p", {}, ...marked(text));

/** Text between backticks becomes code. */
export const marked = (text: string): Child[] =>
  text.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));

/** Text that scrolls in its own box. */
export const code = (text: string) => element("pre", { tabindex: "0" }, element("code", {}, text));

export function button(label: string, className: string, onClick: () => unknown) {
  const created = element("button", { type: "button", class: `button ${className}` }, label);
  created.addEventListener("click", () => void onClick());
  return created;
}
