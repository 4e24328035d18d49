import { unreachable } from "../core/errors.ts";
import type { JsonObject, JsonValue, LogRecord } from "../core/record.ts";
import type { Resource } from "../core/sink.ts";
import { findValue, MAX_SEGMENTS, type MemberPath, memberPath } from "./json-text.ts";

/** What a field holds, as conditions see it. */
export type FieldValue =
  /** `text` is what is written: all digits of a number, the text of a string, the JSON of a list or an object. */
  | { readonly kind: "string" | "number" | "boolean" | "null" | "structure"; readonly text: string }
  /** Severity on the OpenTelemetry scale; its text as the application wrote it. */
  | { readonly kind: "severity"; readonly text: string; readonly number: number }
  | { readonly kind: "time"; readonly text: string; readonly epochMs: number; readonly nanos: number };

/** A field of a record by its name in the configuration. */
export type Field =
  | { readonly kind: "message" | "body" | "severity" | "timestamp" | "source" | "file" }
  | { readonly kind: "attributes"; readonly path: MemberPath }
  | { readonly kind: "resource"; readonly name: string };

const PLAIN = ["message", "body", "severity", "timestamp", "source", "file"] as const;

/** How fields are named, for whoever misspelt one. */
export const FIELD_NAMES = `${PLAIN.join(", ")}, attributes.<name> or resource.<name>`;

/** Undefined for a name that no field has. */
export function parseField(name: string): Field | undefined {
  const kind = PLAIN.find((plain) => plain === name);
  if (kind !== undefined) return { kind };
  const [, section, path] = /^(attributes|resource)\.(.+)$/s.exec(name) ?? [];
  if (path === undefined) return undefined;
  if (section === "resource") return { kind: "resource", name: path };
  const attribute = memberPath(path);
  return attribute.segments.length <= MAX_SEGMENTS ? { kind: "attributes", path: attribute } : undefined;
}

/** Reads a field of a record; undefined if it has none of it. */
export type ReadField = (record: LogRecord) => FieldValue | undefined;

function fieldReader(field: Field, resource: Resource): ReadField {
  switch (field.kind) {
    case "message":
      return ({ message }) => ({ kind: "string", text: message });
    case "body":
      return ({ body }) => ({ kind: "string", text: body });
    case "source":
      return ({ origin }) => ({ kind: "string", text: origin.source });
    case "file":
      return ({ origin }) => ({ kind: "string", text: origin.path });
    case "severity":
      return ({ fields: { severity } }) => severity && { kind: "severity", ...severity };
    case "timestamp":
      return ({ fields: { timestamp } }) =>
        timestamp && { kind: "time", text: new Date(timestamp.epochMs).toISOString(), ...timestamp };
    case "attributes":
      return (record) => readAttribute(record, field.path);
    case "resource": {
      const value = resourceValue(field.name, resource);
      return () => value;
    }
    default:
      return unreachable(field);
  }
}

/** Reads the field of a name that the schema has passed. */
export function readFieldOf(name: string, resource: Resource): ReadField {
  const field = parseField(name);
  if (field === undefined) throw new Error(`no field ${name}`);
  return fieldReader(field, resource);
}

function resourceValue(name: string, { attributes, ...resource }: Resource): FieldValue | undefined {
  const own = new Map<string, string | undefined>(Object.entries({ ...attributes, ...resource }));
  const text = own.get(name);
  return text === undefined ? undefined : { kind: "string", text };
}

/** The value of an attribute: of a member of the body if that is a JSON object, else of what the format found. */
function readAttribute({ body, fields }: LogRecord, path: MemberPath): FieldValue | undefined {
  if (fields.isObject === true) {
    const span = findValue(body, path);
    if (span !== undefined) return fromJson(body.slice(span.start, span.end));
  }
  const value = fields.attributes === undefined ? undefined : memberOf(fields.attributes, path, 0);
  return value === undefined ? undefined : fromValue(value);
}

/** The last member wins, as in text. */
function memberOf(object: JsonObject, path: MemberPath, from: number): JsonValue | undefined {
  const names = path.names[from] ?? [];
  for (const [index, name] of names.entries()) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (value === undefined) continue;
    if (index === names.length - 1) return value;
    const found = isJsonObject(value) ? memberOf(value, path, from + index + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const isJsonObject = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function fromJson(json: string): FieldValue {
  switch (json.charCodeAt(0)) {
    case 0x22:
      return { kind: "string", text: json.includes("\\") ? String(JSON.parse(json)) : json.slice(1, -1) };
    case 0x7b:
    case 0x5b:
      return { kind: "structure", text: json };
    case 0x74:
    case 0x66:
      return { kind: "boolean", text: json };
    case 0x6e:
      return { kind: "null", text: json };
    default:
      return { kind: "number", text: json };
  }
}

function fromValue(value: JsonValue): FieldValue {
  if (typeof value === "string") return { kind: "string", text: value };
  if (typeof value === "number") return { kind: "number", text: String(value) };
  if (typeof value === "boolean") return { kind: "boolean", text: String(value) };
  return value === null ? { kind: "null", text: "null" } : { kind: "structure", text: JSON.stringify(value) };
}
