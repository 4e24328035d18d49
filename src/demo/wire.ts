import { z } from "zod";

/** What an intake makes of a body. */
export interface Decoded {
  /** What it takes. */
  readonly records: readonly unknown[];
  /** Its answer instead of success, if there is anything that it does not take. */
  readonly refusal?: { readonly status: number; readonly body: unknown };
}

/** Source: Datadog API reference, "Send logs": an array of at most 1,000 logs, of which only `message` is required. */
const datadogBody = z
  .array(z.looseObject({ message: z.string() }))
  .min(1)
  .max(1_000);

/** Source: Splunk documentation, "Format events for HTTP Event Collector". */
const envelope = z.strictObject({
  time: z.union([z.number(), z.string()]).optional(),
  host: z.string().optional(),
  source: z.string().optional(),
  sourcetype: z.string().optional(),
  index: z.string().optional(),
  event: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
  fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
});

/** The messages of a body of `POST /api/v2/logs`. */
export function decodeDatadog(text: string): Decoded {
  const parsed = datadogBody.safeParse(parseJson(text));
  if (parsed.success) return { records: parsed.data.map(({ message }) => message) };
  const detail = parsed.error.issues[0]?.message ?? "invalid";
  return { records: [], refusal: { status: 400, body: { errors: [{ status: "400", title: "Bad Request", detail }] } } };
}

/**
 * The events of a body of `POST /services/collector/event`; what stands before an invalid one is taken.
 * Source: Splunk documentation, "Troubleshoot HTTP Event Collector", possible error codes.
 */
export function decodeSplunk(text: string): Decoded {
  const records: unknown[] = [];
  for (const object of splitObjects(text)) {
    const parsed = envelope.safeParse(parseJson(object));
    if (!parsed.success) {
      const body = { text: "Invalid data format", code: 6, "invalid-event-number": records.length };
      return { records, refusal: { status: 400, body } };
    }
    records.push(parsed.data.event);
  }
  if (records.length > 0) return { records };
  return { records, refusal: { status: 400, body: { text: "No data", code: 5 } } };
}

/** Undefined, which no schema takes, if it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is a finding here, and the schema words it.
    return undefined;
  }
}

/** The texts of objects that stand one behind the other. Whatever else there is comes out as a text that is no JSON. */
export function* splitObjects(text: string): Generator<string> {
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/gs;
  let depth = 0;
  let start = 0;
  for (const { 0: found, index } of text.matchAll(token)) {
    if (found === "{") depth += 1;
    if (found !== "}") continue;
    depth -= 1;
    if (depth > 0) continue;
    yield text.slice(start, index + 1);
    start = index + 1;
    depth = 0;
  }
  if (text.slice(start).trim() !== "") yield text.slice(start);
}
