import * as fc from "fast-check";
import { parse } from "yaml";
import { LogRecord, type Parse } from "../../src/core/record.ts";
import type { Resource } from "../../src/core/sink.ts";
import type { RecordTransformer } from "../../src/core/transform.ts";
import { readJson } from "../../src/records/formats/json.ts";
import { UTC } from "../../src/records/timestamp.ts";
import { transformsSchema } from "../../src/transforms/config.ts";
import { createTransformers } from "../../src/transforms/transformer.ts";

export const RESOURCE: Resource = { service: "checkout", env: "prod", host: "pod-1", attributes: { team: "pay" } };

const ORIGIN = { source: "app", path: "/logs/app.log" };

const parseJson: Parse = (body) => readJson(body, UTC) ?? {};

/** A source without a format. */
export const parseRaw: Parse = () => ({});

/** The transforms of a list in YAML, for the source `app`. */
export function transformer(yaml: string): RecordTransformer {
  const transforms = transformsSchema.parse(parse(yaml));
  const made = createTransformers(transforms, ["app"], { resource: RESOURCE }).get("app");
  if (made === undefined) throw new Error("no transforms");
  return made;
}

/** Records of lines, one behind the other. */
export function recordsOf(lines: readonly string[], parseLine: Parse = parseJson, first = 0): LogRecord[] {
  let offset = first;
  return lines.map((line) => {
    const length = Buffer.byteLength(line) + 1;
    const record = new LogRecord(line, offset, length, ORIGIN, parseLine);
    offset += length;
    return record;
  });
}

/** The bodies of what becomes of lines. */
export function transformed(yaml: string, lines: readonly string[], parseLine?: Parse): readonly string[] {
  return transformer(yaml)
    .transform(recordsOf(lines, parseLine), 1, 0, 1)
    .map(({ body }) => body);
}

/** Text of any UTF-16 units, lone surrogates too. */
export const anyText = fc
  .array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff)), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units));
