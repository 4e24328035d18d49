import { z } from "zod";
import type { LogRecord } from "../core/record.ts";
import { compileOptionalCondition, optionalCondition } from "./condition.ts";
import { editAttributes } from "./edit.ts";
import { parseField } from "./field.ts";
import { memberPath, setMember } from "./json-text.ts";
import { SEVERITY_NAMES, severityRange } from "./severity.ts";
import { eachRecord, type Step, type TransformContext } from "./step.ts";

type Value = string | number | boolean | null;

const target = () =>
  z
    .string()
    .refine(
      (name) => ["attributes", "message", "severity"].includes(parseField(name)?.kind ?? ""),
      "expected message, severity or an attribute, like attributes.team",
    );

export const setSchema = z
  .strictObject({
    fields: z
      .record(target(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .superRefine((entries, ctx) => {
        if (Object.keys(entries).length === 0) ctx.addIssue({ code: "custom", message: "needs at least one entry" });
        for (const [name, value] of Object.entries(entries)) {
          const message = valueFault(name, value);
          if (message !== undefined) ctx.addIssue({ code: "custom", message, path: [name] });
        }
      })
      .describe("Values by the fields that get them: message, severity, or attributes."),
    where: optionalCondition,
  })
  .describe("Gives fields a value, whether they are there or not.");

function valueFault(name: string, value: Value): string | undefined {
  if (name === "severity" && severityRange(value) === undefined) return `expected ${SEVERITY_NAMES}`;
  if (name === "message" && typeof value !== "string") return "expected a string";
  return typeof value === "number" && !Number.isFinite(value) ? "expected a number that JSON has" : undefined;
}

type Change = (record: LogRecord) => LogRecord;

export function createSet({ fields, where }: z.output<typeof setSchema>, { resource }: TransformContext): Step {
  const isMet = compileOptionalCondition(where, resource);
  const changes = Object.entries(fields).map(([name, value]) => changeOf(name, value));
  return eachRecord((record) =>
    isMet(record) ? changes.reduce((changed, change) => change(changed), record) : record,
  );
}

function changeOf(name: string, value: Value): Change {
  const field = parseField(name);
  if (field?.kind === "attributes") {
    const { path } = field;
    const json = JSON.stringify(value);
    return (record) => editAttributes(record, (text) => setMember(text, path, json));
  }
  return name === "message" ? setMessage(String(value)) : setSeverity(value);
}

const MESSAGE = memberPath("message");

/** The message of a JSON line is its member; of another line what the format found, or else the whole text. */
function setMessage(text: string): Change {
  const json = JSON.stringify(text);
  return (record) => {
    const { fields } = record;
    if (fields.isObject === true) return editAttributes(record, (object) => setMember(object, MESSAGE, json));
    return fields.message === undefined
      ? record.withBody(text, () => fields)
      : record.withFields({ ...fields, message: text });
  };
}

function setSeverity(value: Value): Change {
  const severity = { number: severityRange(value)?.from ?? 0, text: String(value) };
  return (record) => record.withFields({ ...record.fields, severity });
}
