import * as fc from "fast-check";
import { expect, test } from "vitest";
import { shield, unshield } from "../../src/config/shield.ts";

test("hides the syntax in references, and nothing else", () => {
  expect(shield("{a: ${B:-c,d}, e: [f]}")).toBe("{a: $\uE000B:-c\uE004d\uE001, e: [f]}");
  expect(shield("'${OPEN', '${B}'")).toBe("'${OPEN', '$\uE000B\uE001'");
});

test("leaves a text alone that holds the stand-ins itself", () => {
  expect(shield("\uE000 ${A}")).toBe("\uE000 ${A}");
});

test("keeps every position, and is undone exactly", () => {
  const text = fc.string({ unit: fc.constantFrom("${", "}", "{", "[", "]", ",", "'", '"', "A", ":-", "\n", " ") });
  fc.assert(
    fc.property(text, (text) => {
      expect(shield(text)).toHaveLength(text.length);
      expect(unshield(shield(text))).toBe(text);
    }),
  );
});
