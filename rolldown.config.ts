import { defineConfig } from "rolldown";

/** The command line as few files: one for what every call needs, one for each command. */
const config: ReturnType<typeof defineConfig> = defineConfig({
  input: { cordon: "src/cli/entry.ts" },
  platform: "node",
  resolve: { mainFields: ["module", "main"] },
  output: { format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs", minify: true },
});
export default config;
