import type { LogRecord, ParsedFields, RecordOrigin, RecordPart } from "../../core/record.ts";
import type { BodyWriter, Resource, Sink } from "../../core/sink.ts";
import { flatten } from "../flatten.ts";
import { epochSeconds } from "../timestamp.ts";

const JSON_SOURCETYPE = "_json";

/** Neither white space nor a control character: there is something to see. */
const VISIBLE = /[^\s\p{Cc}]/u;

/** The start of an envelope, up to the event's value: with its brace, and without, to stand behind a time. */
interface Head {
  readonly whole: string;
  readonly behindTime: string;
}

/** For each of the two kinds of event of one file. */
interface Heads {
  readonly object: Head;
  readonly text: Head;
}

interface EnvelopeOptions {
  readonly index?: string | undefined;
  readonly sourcetype?: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

function buildHead(
  resource: Resource,
  options: EnvelopeOptions,
  origin: RecordOrigin,
  isObject: boolean,
  split?: string,
  found?: ParsedFields,
): Head {
  const { service, env, version, attributes } = resource;
  const fields = {
    ...(found?.attributes === undefined ? undefined : Object.fromEntries(flatten(found.attributes))),
    ...withoutAbsent({ service, env, version }),
    ...attributes,
    ...options.fields,
    ...withoutAbsent({ "tailcar.split": split, "tailcar.unparsed": found?.unparsed }),
    ...partFields(found?.part),
  };
  const head = JSON.stringify({
    host: resource.host,
    source: origin.path,
    sourcetype: options.sourcetype ?? (isObject ? JSON_SOURCETYPE : undefined),
    index: options.index,
    fields: Object.keys(fields).length > 0 ? fields : undefined,
  });
  const whole = `${head.slice(0, -1)},"event":`;
  return { whole, behindTime: whole.slice(1) };
}

/** Indexed fields are texts. */
const partFields = (part: RecordPart | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(part ?? {}).map(([name, value]) => [`tailcar.${name}`, String(value)]));

/** What is not known must not hide what the record says of itself. */
const withoutAbsent = (values: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/**
 * HEC refuses a blank event (code 13), so a line of nothing but white space and control characters goes as the field
 * `message` of an object: not lost, and no poison for its batch.
 */
const isBlank = (record: LogRecord): boolean =>
  !(record.first > 0x20 && record.first < 0x7f) && !VISIBLE.test(record.body);

/**
 * Encodes a body of `POST /services/collector/event`: one JSON envelope a record, one behind the other.
 * Source: Splunk documentation, "Format events for HTTP Event Collector".
 *
 * A body that was validated whole as a JSON object (`fields.isObject`) is put in as it stands: nothing in it can end the
 * envelope, and it is not parsed and written again. Every other body is an escaped string. The rest of an envelope is
 * the same for all records of a file and is made once.
 */
export function createSplunkEncoder(resource: Resource, options: EnvelopeOptions): Sink["encode"] {
  // By file, and gone with it: as bounded as the files that are followed.
  const cache = new WeakMap<RecordOrigin, Heads>();

  const headsOf = (origin: RecordOrigin): Heads => {
    let heads = cache.get(origin);
    if (heads === undefined) {
      heads = {
        object: buildHead(resource, options, origin, true),
        text: buildHead(resource, options, origin, false),
      };
      cache.set(origin, heads);
    }
    return heads;
  };

  /** Writes the time by itself, if there is one: what stands behind it is the same text for all records, and costs nothing. */
  const beginEnvelope = (record: LogRecord, heads: Heads, body: BodyWriter): string => {
    const { timestamp, isObject = false, attributes, unparsed } = record.fields;
    const isCommon = record.split === undefined && attributes === undefined && unparsed === undefined;
    const common = isObject ? heads.object : heads.text;
    const head = isCommon ? common : buildHead(resource, options, record.origin, isObject, record.split, record.fields);
    const seconds = timestamp === undefined ? undefined : epochSeconds(timestamp);
    if (seconds === undefined) return head.whole;
    body.text(`{"time":${seconds},`);
    return head.behindTime;
  };

  return (records, body) => {
    let origin: RecordOrigin | undefined;
    let heads: Heads | undefined;
    for (const record of records) {
      if (heads === undefined || record.origin !== origin) {
        origin = record.origin;
        heads = headsOf(origin);
      }
      const head = beginEnvelope(record, heads, body);
      if (record.fields.isObject === true) body.verbatim(head, record, "}");
      else if (isBlank(record)) body.quoted(`${head}{"message":`, record, "}}");
      else body.quoted(head, record, "}");
    }
  };
}
