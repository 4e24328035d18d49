import { isObject } from "./json-stream.ts";

/** One line of the stdout sink, as docs/sinks.md documents it. */
export interface StdoutRecord {
  /** RFC 3339. */
  readonly timestamp: string | undefined;
  readonly severity: string | undefined;
  readonly message: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly file: string;
  readonly offset: number;
  /** The format that the source names, if the record is not of it. */
  readonly unparsed?: string;
}

/** Cuts a stream into its lines. A last line without its end stays inside: a killed writer may leave half a line. */
export class LineSplitter {
  #carry = "";
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** The lines that `chunk` completes. Throws on bytes that are not UTF-8. */
  push(chunk: Buffer): string[] {
    const lines = (this.#carry + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#carry = lines.pop() ?? "";
    return lines;
  }
}

/** The complete records of the stdout sink's output. Throws on anything else in it: nothing but records may stand there. */
export function stdoutRecords(output: string): StdoutRecord[] {
  return output.split("\n").slice(0, -1).map(stdoutRecord);
}

export function stdoutRecord(line: string): StdoutRecord {
  const raw: unknown = JSON.parse(line);
  if (!isObject(raw)) throw new Error(`not a record: ${line}`);
  const { timestamp, severity, message, attributes = {}, resource = {}, file, offset, unparsed } = raw;
  if (typeof message !== "string" || typeof file !== "string" || typeof offset !== "number") {
    throw new Error(`message, file or offset is missing: ${line}`);
  }
  if (!isObject(attributes) || !isObject(resource)) throw new Error(`attributes or resource is no object: ${line}`);
  const mark = unparsed === undefined ? {} : { unparsed: text(unparsed) ?? "" };
  return { timestamp: text(timestamp), severity: text(severity), message, attributes, resource, file, offset, ...mark };
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw new Error(`expected a string: ${JSON.stringify(value)}`);
}
