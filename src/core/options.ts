import { z } from "zod";
import { Secret } from "./secret.ts";
import { parseDuration, parseSize } from "./units.ts";

function quantity(what: string, parse: (text: string) => number | undefined, examples: string) {
  const expected = `expected a ${what} with its unit, like ${examples}`;
  const text = z.string({ error: ({ input }) => (input === undefined ? `missing; ${expected}` : undefined) });
  return text.transform((written, ctx) => {
    const value = parse(written);
    if (value !== undefined) return value;
    ctx.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

/** Option: a duration like `250ms`; its value is in milliseconds. */
export const duration = () => quantity("duration", parseDuration, "250ms, 1.5s, 10m or 2h");

/** A smaller value is refused; `words` is the minimum as a user writes it. */
export const atLeast = (quantity: ReturnType<typeof duration>, minimum: number, words: string) =>
  quantity.refine((value) => value >= minimum, `must be at least ${words}`);

/** Option: a size like `1MiB`; its value is in bytes. */
export const size = () => quantity("size", parseSize, "512KiB, 1MiB or 5MB");

/**
 * Option: a value that never shows. The configuration loader binds it to where it came from, so that it can be read anew.
 * `writeOnly` is JSON Schema's word for it.
 */
export const secret = () =>
  z
    .string()
    .min(1)
    .meta({ writeOnly: true })
    .transform((text) => new Secret(text));
