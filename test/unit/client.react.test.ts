import { Window } from "happy-dom";

// React looks for the document when it is imported.
const window = new Window();
const document = window.document as unknown as Document; // Its types are happy-dom's own.
Object.assign(globalThis, { window, document });
const { createRoot } = await import("react-dom/client");
const { hooksPromises } = await import("../support/hooks-promises.ts");

afterAll(() => window.close());

describe("in React's strict mode", () => {
  hooksPromises((element) => createRoot(element as Element), document);
});
