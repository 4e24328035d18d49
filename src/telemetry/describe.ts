/*
 * A long file: each kind of event has its words here, and nowhere else.
 */
import { type AgentEvent } from "../core/events.ts";
import { formatSize } from "../core/units.ts";
import { unreachable } from "../core/errors.ts";

export interface LogLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly message: string;
}

const seconds = (ms: number): string => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** Keeps the 1st, 2nd, 4th, 8th... of a row at its level: a long outage is told, but does not fill the log. */
const rarely = (count: number, line: LogLine): LogLine =>
  Number.isInteger(Math.log2(count)) ? line : { ...line, level: "debug" };

/** The log line of an event. The event's own fields are logged beside it. */
export function describeEvent(event: AgentEvent): LogLine {
  switch (event.kind) {
    case "agent.started":
      return {
        level: "info",
        message: `tailcar ${event.version} on Node.js ${event.node}, configured by ${event.file ?? "flags"}: sources ${event.sources.join(", ")}; sinks ${event.sinks.join(", ")}; state in ${event.stateDir}`,
      };
    case "agent.failed":
      return { level: "error", message: event.reason };
    case "agent.state":
      return { level: "info", message: `${event.state}${event.reason === undefined ? "" : `: ${event.reason}`}` };
    case "file.found":
      return { level: "info", message: `following ${event.path}` };
    case "file.rotated":
      return { level: "info", message: `${event.path} was rotated to ${event.now}` };
    case "file.deleted":
      return { level: "warn", message: `${event.path} was deleted; reading on through the open handle` };
    case "file.truncated":
      return { level: "info", message: describeTruncation(event) };
    case "file.ambiguous":
      return {
        level: "warn",
        message: `${event.path}: several files hold the same bytes; going on with ${event.chosen}, not with ${event.others.join(", ")}`,
      };
    case "file.damaged":
      return {
        level: "error",
        message: `${event.path} is a damaged archive: ${formatSize(event.readableBytes)} can be read${event.missingBytes > 0 ? `, ${formatSize(event.missingBytes)} are missing` : ""}`,
      };
    case "file.hole":
      return {
        level: "info",
        message: `${event.path} begins with ${formatSize(event.bytes)} of NUL bytes that nobody wrote; they are skipped`,
      };
    case "file.heldReleased": {
      const why = event.reason === "lowDisk" ? "the disk is nearly full" : "rotated.maxHeldBytes is reached";
      return {
        level: "error",
        message: `${event.path} was deleted and is released unread, because ${why}: ${formatSize(event.heldBytes)} are free again, ${formatSize(event.lostBytes)} are lost`,
      };
    }
    case "file.removed":
      return { level: "info", message: `${event.path} was delivered to every sink and is removed` };
    case "file.notRemoved":
      return {
        level: "warn",
        message: `${event.path} was delivered to every sink but can't be removed: ${event.reason}`,
      };
    case "file.released":
      return { level: "debug", message: `${event.path} was read to its end and is closed` };
    case "file.refused":
      return { level: "warn", message: `${event.path} is not read: ${event.reason}` };
    case "file.unreadable":
      return { level: "error", message: `${event.path} can't be read: ${event.reason}; it is tried again` };
    case "file.format":
      return { level: "info", message: `${linesOf(event)} is read as ${event.format}` };
    case "file.starts":
      return {
        level: "info",
        message: `records of ${linesOf(event)} begin like ${event.shape}; other lines belong to the one before`,
      };
    case "files.none":
      return { level: "warn", message: `no file matches yet under ${event.roots.join(", ")}` };
    case "stdin.waiting":
      return { level: "warn", message: `stdin is not read for now: ${event.reason}` };
    case "stdin.resumed":
      return { level: "info", message: "stdin is read again" };
    case "stdin.lost":
      return { level: "error", message: `${event.bytes} bytes of stdin could not be kept: ${event.reason}` };
    case "watch.failed":
      return {
        level: "warn",
        message: `no events for all changes (${event.reason}); polling: busy files and new ones every second, idle ones every 30 s`,
      };
    case "data.lost": {
      const { loss } = event;
      const range = `bytes ${loss.from} to ${loss.to} (${formatSize(loss.to - loss.from)})`;
      return { level: "error", message: `lost for ${loss.sink}: ${range} of ${loss.path}: ${loss.reason}` };
    }
    case "sink.failing":
      return rarely(event.failures, {
        level: "warn",
        message: `${event.sink} is failing: ${event.reason}; next attempt in ${seconds(event.waitMs)}`,
      });
    case "sink.blocked":
      return rarely(event.failures, {
        level: "error",
        message: `${event.sink} is blocked: ${event.reason}; nothing is dropped, next attempt in ${seconds(event.waitMs)}`,
      });
    case "sink.warning":
      return { level: "warn", message: `${event.sink}: ${event.warning}` };
    case "sink.recovered":
      return { level: "info", message: `${event.sink} works again after ${seconds(event.outageMs)}` };
    case "sink.ended":
      return { level: "info", message: `${event.sink} has ended: ${event.reason}` };
    case "sink.deadLettered":
      return {
        level: "error",
        message: `${event.sink}: ${event.records} record(s) could not be delivered: ${event.reason}; kept as dead letters for tailcar replay`,
      };
    case "sink.unconfirmed":
      return {
        level: "warn",
        message: `${event.sink} took ${event.records} record(s) and did not confirm that it has them: they are sent again`,
      };
    case "sink.recordStuck":
      return {
        level: "error",
        message: `${event.sink} has failed ${event.failures} times on the record at ${event.offset} of ${event.path} while others get through: ${event.reason}; it is tried on, and holds its file back; retry.giveUpAfter would make it a dead letter`,
      };
    case "sink.slowLine":
      return {
        level: "warn",
        message: `${event.sink}: the line is too slow to send a request before timeout.total; requests are at most ${formatSize(event.maxBytes)} from now on, and grow again as they get through`,
      };
    case "sink.deadLettersStuck":
      return {
        level: "error",
        message: `${event.sink} waits: a refused record can't be kept as a dead letter: ${event.reason}`,
      };
    case "sink.account":
      return { level: "info", message: describeAccount(event.sink, event.account) };
    case "sink.spilled":
      return {
        level: "warn",
        message: `${event.spilledRecords} record(s) (${formatSize(event.spilledBytes)}) that ${event.sink} could not be given went to ${event.to}`,
      };
    case "sink.undelivered":
      return {
        level: "warn",
        message: `${event.sink} has not received ${formatSize(event.pendingBytes)}; they stay in the files, and the next start delivers them`,
      };
    case "sink.unbalanced":
      return {
        level: "error",
        message: `${event.sink}: the account of ${event.path} is off by ${event.missingBytes} bytes; please report this`,
      };
    case "sink.abandoned":
      return {
        level: "warn",
        message: `${event.sink} is no longer in the configuration: ${formatSize(event.pendingBytes)} that it had not received are given up`,
      };
    case "config.invalid":
      return { level: "error", message: `${event.problems.join("; ")}; ${event.consequence}` };
    case "config.reloaded":
      return { level: "info", message: `going on with the new configuration of ${event.file}` };
    case "config.unchanged":
      return { level: "info", message: `${event.file} means what it meant before: nothing changes` };
    case "config.stateDirChanged":
      return {
        level: "warn",
        message: `stateDir is now ${event.to}: every sink begins there by its cursors of that directory, or else by startAt; the cursors in ${event.from} stay there unused`,
      };
    case "server.listening":
      return { level: "info", message: `health and metrics at http://${event.address}` };
    case "server.failed":
      return {
        level: "error",
        message: `no health and metrics at ${event.address}: ${event.reason}; shipping goes on, and it is tried again`,
      };
    case "checkpoint.resumed":
      return { level: "info", message: `resuming ${event.cursors} cursor(s) in ${event.files} file(s)` };
    case "checkpoint.damaged":
      return { level: "error", message: `${event.file} is damaged in line ${event.line}: ${event.consequence}` };
    case "checkpoint.failed":
      return {
        level: "error",
        message: `checkpoints are not durable: ${event.reason}; shipping goes on, but a restart now would deliver records twice; make room in stateDir, or make it writable`,
      };
    case "checkpoint.restored":
      return { level: "info", message: "checkpoints are durable again" };
    default:
      return unreachable(event);
  }
}

/** The parts of an account. The first ones are always told, the others where there is something in them. */
const PARTS = ["delivered", "filtered", "deadLettered", "lost", "skipped", "pending", "spilled", "abandoned"];
const ALWAYS_TOLD = 6;

/** An account in one sentence. */
export function describeAccount(sink: string, account: Readonly<Record<string, number>>): string {
  const part = (name: string): string => `${name} ${account[`${name}Bytes`] ?? 0}`;
  const parts = PARTS.filter((name, index) => index < ALWAYS_TOLD || (account[`${name}Bytes`] ?? 0) > 0)
    .map(part)
    .join(" + ");
  const imbalance = account["imbalanceBytes"] ?? 0;
  const verdict = imbalance === 0 ? "balanced" : `NOT balanced, off by ${imbalance}`;
  const late = account["lateRecords"] ?? 0;
  const records = `${account["deliveredRecords"] ?? 0} records delivered${late === 0 ? "" : `, ${late} of them late`}`;
  return `account of ${sink}: ${account["totalBytes"] ?? 0} bytes = ${parts}; ${records}; ${verdict}`;
}

const linesOf = ({ path, stream }: { readonly path: string; readonly stream?: string | undefined }): string =>
  stream === undefined ? path : `${stream} in ${path}`;

function describeTruncation({ path, lostBytes, copy }: Extract<AgentEvent, { kind: "file.truncated" }>): string {
  const rest = copy === undefined ? "" : `; what it held goes on in ${copy}`;
  const cost = lostBytes === 0 ? "" : `; ${formatSize(lostBytes)} of it were not read yet and are out of reach`;
  return `${path} was truncated or rewritten${rest}${cost}`;
}
