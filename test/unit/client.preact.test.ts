import { jest } from "@jest/globals";
import { Window } from "happy-dom";
import type { Root } from "../support/hooks-promises.ts";

const window = new Window();
const document = window.document as unknown as Document; // Its types are happy-dom's own.
Object.assign(globalThis, { window, document });
// As a bundler's alias does in a page.
const compat = await import("preact/compat");
jest.unstable_mockModule("react", () => compat);
const { hooksPromises } = await import("../support/hooks-promises.ts");

afterAll(() => window.close());

describe("in Preact", () => {
  hooksPromises(
    (element): Root => ({
      render: (node) => compat.render(node as preact.ComponentChild, element as Element),
      unmount: () => compat.render(null, element as Element),
    }),
    document,
  );
});
