import { describe, expect, test } from "vitest";
import { interpolate } from "../../src/config/interpolate.ts";
import { world } from "./definitions.ts";

const given = world({
  env: { HOME: "/root", EMPTY: "", NESTED: "${HOME} $$", ONE: "1" },
  files: { "/run/secrets/hec": "s3cret\n", "/srv/local": "here\r\n\n", "/two": "a\nb\n" },
});

describe("interpolate", () => {
  test.for([
    ["plain", "plain"],
    ["${HOME}/x", "/root/x"],
    ["${HOME}${ONE}", "/root1"],
    ["${EMPTY}", ""],
    ["${EMPTY:-x}", "x"],
    ["${NONE:-}", ""],
    ["${NONE:-a:-b c,d}", "a:-b c,d"],
    ["${ONE:-x}", "1"],
    ["${file:/run/secrets/hec}", "s3cret"],
    ["${file:local}", "here"],
    ["${file:/two}", "a\nb"],
    ["$$", "$"],
    ["$${HOME}", "${HOME}"],
    ["$$${ONE}", "$1"],
    ["${NESTED}", "${HOME} $$"],
    // Only "${" and "$$" are special: patterns and prices pass as they are.
    ["^\\d+$", "^\\d+$"],
    ["$1 $HOME {x} $", "$1 $HOME {x} $"],
  ])("%j gives %j", ([template, text]) => {
    expect(interpolate(template ?? "", given)).toMatchObject({ ok: true, text });
  });

  const form = '"${" must begin ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal "${"';
  test.for([
    ["${NONE}", ["the environment variable NONE is not set; set it, or give a default: ${NONE:-default}"]],
    ["${file:/none}", ["cannot read the file /none: no such file or directory"]],
    ["${file:}", ["${file:} needs a path, like ${file:/run/secrets/token}"]],
    ["${", [form]],
    ["${HOME", [form]],
    ["${}", [form]],
    ["${1}", [form]],
    ["${HOME-x}", [form]],
    [
      "${constructor}",
      ["the environment variable constructor is not set; set it, or give a default: ${constructor:-default}"],
    ],
    ["${ HOME }", [form]],
    [
      "${ONE}${A}${B}",
      [
        "the environment variable A is not set; set it, or give a default: ${A:-default}",
        "the environment variable B is not set; set it, or give a default: ${B:-default}",
      ],
    ],
  ] as const)("%j is refused", ([template, reasons]) => {
    expect(interpolate(template, given)).toEqual({ ok: false, reasons });
  });
});
