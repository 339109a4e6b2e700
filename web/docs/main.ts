/** The page of the contracts: the calls drawn by Swagger UI, the events by us. */
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js?url";
import { drawEvents, type Document } from "./events.ts";

const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

async function show<T>(
  path: string,
  id: string,
  draw: (into: Element, contract: T) => Promise<void> | void,
): Promise<void> {
  const into = document.getElementById(id)!;
  try {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(String(answer.status));
    await draw(into, (await answer.json()) as T);
  } catch {
    into.textContent = "This contract could not be loaded. Reload the page to try again.";
  }
  into.removeAttribute("aria-busy");
}

/** As the script that it is: made a module, it would share a piece with the market's page, which then had one file more to load. */
const loaded = new Promise((resolve, reject) => {
  const script = Object.assign(document.createElement("script"), {
    src: swaggerScript,
    onload: resolve,
    onerror: reject,
  });
  document.head.append(script);
});

/** For reading alone: it sends nothing, and asks nobody else whether the document is valid. */
async function drawCalls(into: Element, spec: object): Promise<void> {
  await loaded;
  into.textContent = "";
  await new Promise<void>((onComplete) =>
    SwaggerUIBundle({
      domNode: into,
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
  show<Document>("/asyncapi.json", "asyncapi", drawEvents),
  show("/openapi.json", "openapi", drawCalls),
]);
// What was asked for has moved meanwhile.
if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
