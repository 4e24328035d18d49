import type { ParsedFields, Severity } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { parseTimestamp } from "../timestamp.ts";
import { withoutAbsent } from "./object.ts";

const SEVERITIES = new Map<string, Severity>([
  ["I", { number: 9, text: "I" }],
  ["W", { number: 13, text: "W" }],
  ["E", { number: 17, text: "E" }],
  ["F", { number: 21, text: "F" }],
]);

const HEADER = /^([IWEF])(\d{4})?(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{6}) {1,7}(\d{1,15}) ([^\s:\]]{1,255}):(\d{1,9})\] /;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The header is no longer; what stands behind it is the message. */
const MAX_HEADER = 512;

/**
 * A line of klog (Kubernetes) or glog: `Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg`, in glog `Lyyyymmdd`.
 * Sources: k8s.io/klog, formatHeader; google/glog, "Logging".
 */
export function readKlog(body: string, context: TimeContext): ParsedFields | undefined {
  const start = firstVisible(body);
  const match = HEADER.exec(body.slice(start, start + MAX_HEADER));
  if (match === null) return undefined;
  const [header, letter = "", year, month = "", day = "", time = "", thread, file, line] = match;
  const date = year === undefined ? `${MONTHS[Number(month) - 1] ?? ""} ${day}` : `${year}-${month}-${day}`;
  const timestamp = parseTimestamp(`${date} ${time}`, context);
  if (timestamp === undefined) return undefined;
  return {
    message: body.slice(start + header.length).trimEnd(),
    timestamp,
    severity: SEVERITIES.get(letter),
    attributes: withoutAbsent({ thread: Number(thread), file, line: Number(line) }),
  };
}

function firstVisible(body: string): number {
  let at = 0;
  while (body.charCodeAt(at) <= 0x20) at += 1;
  return at;
}
