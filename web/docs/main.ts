/** The page of the API documentation. Swagger UI renders the calls, events.ts the events. */
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js?url";
import { renderEvents, type Document } from "./events.ts";

const dark = matchMedia("(prefers-color-scheme: dark)");
const applyTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyTheme);
applyTheme();

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

/** Loaded as a classic script. As a module it would share a chunk with the market's page, which would then load one more file. */
const scriptLoaded = new Promise((resolve, reject) => {
  const script = Object.assign(document.createElement("script"), {
    src: swaggerScript,
    onload: resolve,
    onerror: reject,
  });
  document.head.append(script);
});

/** Read-only: without "try it out", and without a request to a validator. */
async function renderCalls(target: Element, spec: object): Promise<void> {
  await scriptLoaded;
  target.textContent = "";
  await new Promise<void>((onComplete) =>
    SwaggerUIBundle({
      domNode: target,
      spec,
      onComplete,
      validatorUrl: null,
      supportedSubmitMethods: [],
      syntaxHighlight: false,
      docExpansion: "list",
      defaultModelRendering: "model",
      defaultModelExpandDepth: 2,
      defaultModelsExpandDepth: -1,
    }),
  );
}

await Promise.all([
  show<Document>("/asyncapi.json", "asyncapi", renderEvents),
  show("/openapi.json", "openapi", renderCalls),
]);
// The target of the link has moved while the documents were loading.
if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
