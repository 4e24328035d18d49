/**
 * Turns `src/pipeline/body/escape.wat` into `escape-module.ts` beside it: `npm run escape`. A test holds the one against
 * the other.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import loadWabt from "wabt";

const place = (name: string): string => fileURLToPath(new URL(`../../src/pipeline/body/${name}`, import.meta.url));

export const MODULE_PATH = place("escape-module.ts");

export async function assemble(): Promise<string> {
  const wabt = await loadWabt();
  const parsed = wabt.parseWat("escape.wat", readFileSync(place("escape.wat"), "utf8"), {
    simd: true,
    bulk_memory: true,
  });
  const { buffer } = parsed.toBinary({});
  const lines = (
    Buffer.from(buffer)
      .toString("base64")
      .match(/.{1,100}/g) ?? []
  ).map((line) => `  "${line}"`);
  return `/** \`escape.wat\`, assembled by \`npm run escape\`. Base64. */\nexport const ESCAPE_MODULE =\n${lines.join(" +\n")};\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(MODULE_PATH, await assemble());
