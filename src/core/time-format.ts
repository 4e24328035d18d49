import { z } from "zod";
import { DIRECTIVES, literal, spaces, type Step, type TimeParts } from "./time-directives.ts";

/** Reads the whole of a text; undefined if it does not have the format. Takes time linear in the text. */
export type ReadTimeParts = (text: string) => TimeParts | undefined;

/** Directives that stand for several. */
const SHORT: Readonly<Record<string, string>> = { T: "%H:%M:%S", F: "%Y-%m-%d", D: "%m/%d/%y", R: "%H:%M" };

/** Throws an Error that says what is wrong with the format. */
export function compileTimeFormat(format: string): ReadTimeParts {
  const steps: Step[] = [];
  const tokens = format.replaceAll(/%([TFDR])/g, (_, name: string) => SHORT[name] ?? "").match(/%.?|\s+|[^%\s]+/gsu);
  for (const token of tokens ?? []) {
    const step = token.startsWith("%") ? DIRECTIVES[token.slice(1)] : token.trim() === "" ? spaces : literal(token);
    if (step === undefined) throw new Error(`there is no directive ${token}`);
    steps.push(step);
  }
  return (text) => {
    const parts: TimeParts = {};
    let at = 0;
    for (const step of steps) {
      at = step(text, at, parts);
      if (at === -1) return undefined;
    }
    return at === text.length ? parts : undefined;
  };
}

/** A date and a time of day can be made of these, or they are an instant already. */
function isEnough(format: string): boolean {
  const directives = format.match(/%./gsu)?.join("") ?? "";
  return (
    /%s/.test(directives) ||
    (/%[deDF]/.test(directives) && /%[bBhmDF]/.test(directives) && /%[HIklTR]/.test(directives))
  );
}

/** Option: how times are written, with the directives of strptime. */
export const timeFormat = () =>
  z
    .string()
    .min(1)
    .superRefine((format, ctx) => {
      try {
        compileTimeFormat(format);
        if (!isEnough(format))
          ctx.addIssue({ code: "custom", message: "needs a month, a day and an hour, like %d/%b/%Y %H:%M:%S, or %s" });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        ctx.addIssue({ code: "custom", message: `${error.message}; expected a format like %d/%b/%Y:%H:%M:%S %z` });
      }
    });
