import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createPlainEscaper,
  createWasmEscaper,
  HEAD,
  SOURCE,
  TAIL,
  TARGET,
} from "../../../src/pipeline/body/escaper.ts";
import { assemble, MODULE_PATH } from "../../support/assemble.ts";

test("the module is what its source assembles to: npm run escape", async () => {
  expect(readFileSync(MODULE_PATH, "utf8")).toBe(await assemble());
});

describe.each([
  ["WebAssembly", createWasmEscaper()],
  ["plain", createPlainEscaper()],
])("the escaper in %s", (_, { memory, escape, quoted, verbatim }) => {
  const escaped = (bytes: Buffer): Buffer => {
    memory.set(bytes, SOURCE.at);
    // What stands behind the source is no part of it.
    memory.fill(0x22, SOURCE.at + bytes.length, SOURCE.at + bytes.length + 16);
    return memory.subarray(TARGET.at, escape(SOURCE.at, bytes.length, TARGET.at));
  };

  test("escapes each ASCII character as JSON.stringify does, wherever it stands among others", () => {
    for (let code = 0; code < 128; code += 1) {
      for (let before = 0; before < 9; before += 1) {
        const text = `${"x".repeat(before)}${String.fromCharCode(code)}"y`;
        expect(escaped(Buffer.from(text)).toString()).toBe(JSON.stringify(text).slice(1, -1));
      }
    }
  });

  test("escapes any text as JSON.stringify does", () => {
    const characters = fc.oneof(fc.constantFrom('"', "\\", "\n", "\u0000", "é", "漢", "😀", "\u2028"), fc.string());
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 60 }), (parts) => {
        const text = parts.join("").toWellFormed();
        expect(escaped(Buffer.from(text)).toString()).toBe(JSON.stringify(text).slice(1, -1));
      }),
      { numRuns: 2_000 },
    );
  });

  test("fills no more than its memory in the worst case", () => {
    const worst = Buffer.alloc(SOURCE.length, 0x01);
    expect(escaped(worst).toString()).toBe("\\u0001".repeat(SOURCE.length));
  });

  test("puts heads and tails around it", () => {
    memory.write("head:", HEAD.at);
    memory.write(",tail", TAIL.at);
    memory.write('a "b"', SOURCE.at);
    const quotedEnd = quoted(HEAD.at, 5, SOURCE.at, 5, TAIL.at, 5, TARGET.at);
    expect(memory.toString("utf8", TARGET.at, quotedEnd)).toBe('head:"a \\"b\\"",tail');
    const end = verbatim(HEAD.at, 5, SOURCE.at, 5, TAIL.at, 5, TARGET.at);
    expect(memory.toString("utf8", TARGET.at, end)).toBe('head:a "b",tail');
  });
});
