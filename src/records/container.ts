import { parseObject } from "../core/json-object.ts";
import type { Timestamp } from "../core/record.ts";
import { parseTimestamp } from "./timestamp.ts";

/** What a container runtime wrote around a line of the application, or a part of one. */
export interface Wrapped {
  /** `stdout` or `stderr`; undefined where the wrapper does not say. */
  readonly stream: string | undefined;
  readonly timestamp: Timestamp | undefined;
  readonly text: string;
  /** Whether the line goes on in the next of its stream. */
  readonly isPart: boolean;
}

/** No header of CRI is longer. */
const MAX_HEADER = 128;

/** Time, stream, and tags of which the first says whether the line is full. Source: Kubernetes, CRI logging format. */
const CRI =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr)(?: ([PF])(?::\S*)?(?: |$)| )/;

export function unwrapCri(line: string): Wrapped | undefined {
  const match = CRI.exec(line.slice(0, MAX_HEADER));
  if (match === null) return undefined;
  const [header, time, stream, tag] = match;
  const timestamp = parseTimestamp(time);
  if (timestamp === undefined) return undefined;
  return { stream, timestamp, text: line.slice(header.length), isPart: tag === "P" };
}

/**
 * A JSON object with `log`, `stream` and `time`; or with `log` alone. A text without a line feed at its end is a part,
 * unless there is nothing in it.
 * Source: Docker's json-file logging driver.
 */
export function unwrapDocker(line: string): Wrapped | undefined {
  const object = parseObject(line);
  const log = object?.["log"];
  if (object === undefined || typeof log !== "string") return undefined;
  const { stream, time } = object;
  const timestamp = typeof time === "string" ? parseTimestamp(time) : undefined;
  const isBare = stream === undefined && time === undefined;
  if (!isBare && (timestamp === undefined || typeof stream !== "string")) return undefined;
  const isWhole = log.endsWith("\n");
  const text = isWhole ? log.slice(0, -1) : log;
  return { stream: isBare ? undefined : String(stream), timestamp, text, isPart: !isWhole && log !== "" };
}

/** Whatever runtime wrote it. A line that none did is undefined. */
export const unwrap = (line: string): Wrapped | undefined =>
  line.charCodeAt(0) === 0x7b ? unwrapDocker(line) : unwrapCri(line);

/** Which runtime a file is written by, if its first line says so beyond doubt. */
export function containerOf(line: string): "cri" | "docker" | undefined {
  if (line.charCodeAt(0) !== 0x7b)
    return /^[^ ]+ std(?:out|err) [PF](?:[: ]|$)/.test(line) && unwrapCri(line) ? "cri" : undefined;
  const wrapped = line.startsWith('{"log":') ? unwrapDocker(line) : undefined;
  return wrapped?.timestamp !== undefined && /^std(?:out|err)$/.test(wrapped.stream ?? "") ? "docker" : undefined;
}
