import { defineConfig } from "rolldown";

/**
 * Makes `dist/`: the agent and what it uses of its libraries, in a few files. It starts in two thirds of the processor time
 * of a thousand small files, and takes 15 MB less of memory.
 */
export default defineConfig({
  input: "src/cli.ts",
  platform: "node",
  // So that an older Node can read the file as far as the line that says which one is needed.
  transform: { target: "node20" },
  // Needed by few configurations, and loaded with the first pattern.
  external: ["re2js"],
  output: { dir: "dist", format: "esm", cleanDir: true, chunkFileNames: "chunks/[name]-[hash].js" },
});
