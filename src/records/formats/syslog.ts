import type { JsonObject, JsonValue, ParsedFields, Severity } from "../../core/record.ts";
import { SYSLOG } from "../severity.ts";
import type { TimeContext } from "../time-context.ts";
import { parseTimestamp } from "../timestamp.ts";
import { withoutAbsent } from "./object.ts";
import { Scanner } from "./scanner.ts";

/** By their numbers. Source: RFC 5424, table 1, with the names of syslog(3). */
const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );

interface Priority {
  readonly facility: string | undefined;
  readonly severity: Severity | undefined;
}

/**
 * A line of RFC 5424, or of RFC 3164 as it is found in files: both with or without priority, the latter without host too,
 * its time as in the RFC or, as rsyslog writes it today, in ISO 8601. Length prefix and NUL trailer of RFC 6587 are passed over.
 */
export function readSyslog(body: string, context: TimeContext): ParsedFields | undefined {
  const end = body.endsWith("\0") ? body.length - 1 : body.length;
  const line = new Scanner(end === body.length ? body : body.slice(0, end), octetCount(body));
  const hasPriority = line.text.charCodeAt(line.at) === 0x3c;
  const priority = hasPriority ? readPriority(line) : NO_PRIORITY;
  if (priority === undefined) return undefined;
  if (hasPriority && line.skip("1 ")) return readModern(line, priority, context);
  // Without a priority only the time behind the version tells that it is RFC 5424's.
  if (!hasPriority && MODERN.test(line.text) && line.skip("1 ")) return readModern(line, priority, context);
  return readTraditional(line, priority, context);
}

const MODERN = /^1 \d{4}-\d\d-\d\dT\d\d:/;

const NO_PRIORITY: Priority = { facility: undefined, severity: undefined };

/** Where the message begins behind its length in bytes, which some transports put before it. */
function octetCount(body: string): number {
  const [prefix = ""] = /^\d{1,6} (?=<)/.exec(body) ?? [];
  return prefix.length;
}

function readPriority(line: Scanner): Priority | undefined {
  const text = line.skip("<") ? line.until(">") : undefined;
  if (text === undefined || !/^\d{1,3}$/.test(text)) return undefined;
  const value = Number(text);
  return value > 191 ? undefined : { facility: FACILITIES[value >> 3], severity: SYSLOG[value & 7] };
}

/** Source: RFC 5424, section 6. */
function readModern(line: Scanner, { facility, severity }: Priority, context: TimeContext): ParsedFields | undefined {
  const [time, hostname, appname, procid, msgid] = [line.word(), line.word(), line.word(), line.word(), line.word()];
  if (msgid === undefined) return undefined;
  const structuredData = readStructuredData(line);
  if (structuredData === undefined || (!line.isAtEnd && !line.skip(" "))) return undefined;
  line.skip("\uFEFF");
  const timestamp = parseTimestamp(time, context);
  const attributes = withoutAbsent({
    timestamp: timestamp === undefined ? present(time) : undefined,
    facility,
    version: 1,
    hostname: present(hostname),
    appname: present(appname),
    procid: present(procid),
    msgid: present(msgid),
    structuredData: Object.keys(structuredData).length === 0 ? undefined : structuredData,
  });
  return { message: line.rest, timestamp, severity, attributes };
}

const present = (text: string | undefined): string | undefined => (text === "-" ? undefined : text);

/** Elements like `[id name="value"]`, or `-`. */
function readStructuredData(line: Scanner): JsonObject | undefined {
  if (line.text.charCodeAt(line.at) !== 0x5b) return line.skip("-") ? {} : undefined;
  const elements: [id: string, JsonValue][] = [];
  while (line.skip("[")) {
    const id = wordBefore(line);
    if (id === "") return undefined;
    const parameters: [name: string, value: string][] = [];
    for (line.skipSpaces(); !line.skip("]"); line.skipSpaces()) {
      const name = wordBefore(line);
      // RFC 5424 has no blank behind the equals sign, but some writers do.
      const isPair = name !== "" && line.skip("=");
      line.skipSpaces();
      const value = isPair ? readValue(line) : undefined;
      if (value === undefined) return undefined;
      parameters.push([name, value]);
    }
    elements.push([id, Object.fromEntries(parameters)]);
  }
  return Object.fromEntries(elements);
}

/** What stands before the next blank, `=`, `]` or quote. */
function wordBefore(line: Scanner): string {
  const start = line.at;
  while (!line.isAtEnd && !' =]"'.includes(line.text.charAt(line.at))) line.at += 1;
  return line.text.slice(start, line.at);
}

/** A quoted value, in which quote, backslash and bracket are escaped. */
function readValue(line: Scanner): string | undefined {
  const { text } = line;
  const start = line.at;
  const value = line.quoted();
  // Behind the quote; a blank there is not part of the value, and may be passed over.
  if (value === undefined || text.charCodeAt(start) !== 0x22) return undefined;
  return value.includes("\\") ? value.replaceAll(/\\(["\\\]])/g, "$1") : value;
}

/** Source: RFC 3164, section 4.1; rsyslog, "RSYSLOG_TraditionalFileFormat" and "RSYSLOG_FileFormat". */
function readTraditional(
  line: Scanner,
  { facility, severity }: Priority,
  context: TimeContext,
): ParsedFields | undefined {
  const time = readTime(line);
  const timestamp = time === undefined ? undefined : parseTimestamp(time, context);
  if (time === undefined || timestamp === undefined) return undefined;
  const { hostname, tag } = readNames(line, severity !== undefined);
  const open = tag?.indexOf("[") ?? -1;
  const isProcess = tag?.endsWith("]") === true && open > 0;
  const attributes = withoutAbsent({
    facility,
    hostname,
    appname: isProcess ? tag?.slice(0, open) : tag,
    procid: isProcess ? tag?.slice(open + 1, -1) : undefined,
  });
  return { message: line.rest, timestamp, severity, attributes };
}

/** `Jan  2 03:04:05`, with a year or a fraction as some write it; or a time in ISO 8601. */
function readTime(line: Scanner): string | undefined {
  const start = line.at;
  if (/\d/.test(line.text.charAt(start))) return line.text.charCodeAt(start + 10) === 0x54 ? line.word() : undefined;
  if (line.text.charCodeAt(start + 3) !== 0x20) return undefined;
  line.at = start + 4;
  line.skipSpaces();
  line.word();
  const third = line.word();
  if (third !== undefined && /^\d{4}$/.test(third)) line.word();
  return line.text.slice(start, line.at).trimEnd().replace(/:$/, "");
}

interface Names {
  readonly hostname: string | undefined;
  readonly tag: string | undefined;
}

/**
 * Host and tag, `tag[pid]:`; the host is missing in some files, and the tag in some messages. `isSure` if the line is
 * syslog's beyond doubt: then a bracket behind the second word ends a tag, too.
 */
function readNames(line: Scanner, isSure: boolean): Names {
  const tag = readTag(line);
  if (tag !== undefined) return { hostname: undefined, tag };
  const hostname = line.word();
  const second = readTag(line);
  if (second !== undefined || hostname === undefined || !isSure) return { hostname, tag: second };
  const start = line.at;
  const word = line.word();
  if (word !== undefined && /^[\w./-]+$/.test(word) && line.text.charCodeAt(line.at) === 0x5b)
    return { hostname, tag: word };
  line.at = start;
  return { hostname, tag: undefined };
}

/** A word with a colon behind it; behind a process, no blank need follow. */
function readTag(line: Scanner): string | undefined {
  const start = line.at;
  const word = line.word();
  if (word?.endsWith(":") === true) return word.slice(0, -1);
  const end = word?.indexOf("]:") ?? -1;
  const isTag = end > 0 && /^[\w./-]+\[\d+$/.test(word?.slice(0, end) ?? "");
  line.at = isTag ? start + end + 2 : start;
  return isTag ? word?.slice(0, end + 1) : undefined;
}

/**
 * Whether `auto` may take a line for syslog: it has a priority, or a tag behind the time of RFC 3164. Other logs begin with
 * a time in ISO 8601 too, so behind that there must be a process, or the kernel.
 */
export function isTellingSyslog(body: string, context: TimeContext): boolean {
  const fields = readSyslog(body, context);
  if (fields === undefined) return false;
  if (fields.severity !== undefined) return true;
  const { appname, procid, hostname } = fields.attributes ?? {};
  return (
    appname !== undefined && (procid !== undefined || appname === "kernel" || !/^\d/.test(body)) && hostname !== ""
  );
}
