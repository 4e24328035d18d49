import { z } from "zod";
import { compilePattern, pattern } from "../core/pattern.ts";
import type { LogRecord } from "../core/record.ts";
import { compileOptionalCondition, optionalCondition } from "./condition.ts";
import { candidates } from "./redaction/candidates.ts";
import { creditCard } from "./redaction/credit-card.ts";
import { email } from "./redaction/email.ts";
import type { Finder } from "./redaction/finder.ts";
import { ip } from "./redaction/ip.ts";
import { Redactor, type Rule } from "./redaction/redactor.ts";
import { awsKey, bearerToken, jwt } from "./redaction/tokens.ts";
import { eachRecord, type Step, type TransformContext } from "./step.ts";

const finders = { creditCard, email, bearerToken, jwt, awsKey, ip } as const satisfies Record<string, Finder>;

const known = z.enum(["creditCard", "email", "bearerToken", "jwt", "awsKey", "ip"]);

const own = z.strictObject({
  matches: pattern().describe("A pattern in RE2 syntax."),
  replacement: z
    .string()
    .max(256)
    .optional()
    .describe("What takes its place, as it stands, instead of the common replacement."),
});

export const redactSchema = z
  .strictObject({
    patterns: z
      .array(z.union([known, own]))
      .min(1)
      .max(32)
      .describe(`What is looked for: ${known.options.join(", ")}, or patterns of your own.`),
    replacement: z.string().max(256).default("[redacted]").describe("What takes the place of a secret."),
    where: optionalCondition,
  })
  .describe("Replaces secrets in the text of a record and in all its fields, also where JSON has them escaped.");

/** What makes a match depend on where the text begins or ends. */
const ANCHOR = /\^|\$|\\[Az]/;

export function createRedact(
  { patterns, replacement, where }: z.output<typeof redactSchema>,
  { resource }: TransformContext,
): Step {
  const isMet = compileOptionalCondition(where, resource);
  const rules = patterns.map((one) => ruleOf(one, replacement));
  const redactor = new Redactor(rules, replacement);
  const redact = (record: LogRecord): LogRecord => (isMet(record) ? redactor.redact(record) : record);
  const named = patterns.flatMap((one) => (typeof one === "string" ? [finders[one]] : []));
  // Whether a pattern of one's own matches can't be told but by trying it.
  if (named.length < patterns.length) return eachRecord(redact);
  return (records) => {
    let result: LogRecord[] | undefined;
    for (const index of candidates(records, named)) {
      const record = records[index];
      const redacted = record && redact(record);
      if (redacted === undefined || redacted === record) continue;
      result ??= [...records];
      result[index] = redacted;
    }
    return result ?? records;
  };
}

function ruleOf(one: z.output<typeof known> | z.output<typeof own>, replacement: string): Rule {
  if (typeof one === "string") return { finder: finders[one], replacement, isAnchored: false, isLiteral: false };
  const compiled = compilePattern(one.matches);
  return {
    finder: compiled,
    replacement: one.replacement ?? replacement,
    isAnchored: ANCHOR.test(one.matches),
    isLiteral: true,
  };
}
