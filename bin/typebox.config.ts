/** Bundles TypeBox for bin/typebox.ts. */
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  ssr: { noExternal: true },
  build: {
    ssr: true,
    minify: false,
    rolldownOptions: {
      input: { index: "typebox", format: "typebox/format", schema: "typebox/schema" },
      output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].[hash].mjs" },
    },
  },
});
