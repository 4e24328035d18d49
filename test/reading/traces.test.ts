import { describe, expect, test } from "vitest";
import { auto, presets } from "../../src/records/multiline/registry.ts";
import { join } from "./join-lines.ts";

/** Traces that the programs of `fixtures/generate/traces` can't be made to print. */
const TRACES: readonly (readonly [what: string, preset: string, lines: readonly string[]])[] = [
  [
    "a fault at an address that Go did not expect",
    "go",
    [
      "unexpected fault address 0x7f00dead0000",
      "fatal error: fault",
      "[signal SIGBUS: bus error code=0x2 addr=0x7f00dead0000 pc=0x46a1f2]",
      "",
      "goroutine 1 [running]:",
      "runtime.throw({0x4a1b2c?, 0x0?})",
      "\t/usr/lib/go/src/runtime/panic.go:1047 +0x5d",
      "main.main()",
      "\t/app/mapped.go:21 +0x92",
    ],
  ],
  [
    "a signal in C code, with registers behind tabs",
    "go",
    [
      "SIGILL: illegal instruction",
      "PC=0x4b0c12 m=0 sigcode=2",
      "signal arrived during cgo execution",
      "instruction bytes: 0xf 0xb 0x66 0x2e",
      "",
      "goroutine 1 [syscall]:",
      "runtime.cgocall(0x4b0c00, 0xc00005ce88)",
      "\t/usr/lib/go/src/runtime/cgocall.go:157 +0x5c",
      "",
      "rax\t0x0",
      "r8\t0xc00005ce88",
      "rip\t0x4b0c12",
      "gs\t0x0",
    ],
  ],
  [
    "V8's own heading, and a call in code of `eval`",
    "node",
    ["V8 errors stack trace", "    eval at load (/app/plugins.js:7:3)", "    at new Plugin (native)"],
  ],
];

test.each(TRACES)("%s is one record, by its language's preset and by auto", (_, preset, lines) => {
  const expected = [lines.join("\n"), "next", lines.join("\n")];
  const written = [...lines, "next", ...lines];
  expect(presets[preset] && join(written, presets[preset]).records).toEqual(expected);
  expect(join(written, auto).records).toEqual(expected);
});

test.each(TRACES)("%s twice in a row is two records", (_, _preset, lines) => {
  expect(join([...lines, ...lines], auto).records).toEqual([lines.join("\n"), lines.join("\n")]);
});

describe("auto waits for nothing", () => {
  test.each([
    "Caused by: java.net.ConnectException: Connection refused",
    "  Caused by: connect timed out",
    "V8 errors are rare",
    "signal arrived during cgo execution",
  ])("behind %j", (line) => {
    expect(join([line], auto, { flush: false }).waiting).toBe(0);
  });
});
