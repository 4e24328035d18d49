import { appendFileSync, closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

/**
 * A program that writes numbered JSON lines to files and rotates them by rename, as an application with a rotating
 * logger does. It runs as a process of its own and prints, at its end, how many lines it wrote to each file: the truth.
 *
 *     node log-writer.ts --dir D --files 4 --rate 500 --seconds 20 --rotations 2 --truth D/../truth.ndjson
 *
 * SIGTERM ends it early. A fifth of its writes end in the middle of a line, which the next one completes 10 ms later.
 */
const { values } = parseArgs({
  options: {
    dir: { type: "string", default: "." },
    files: { type: "string", default: "1" },
    /** Lines a second and file; 0 writes as fast as it can, which needs `lines`. */
    rate: { type: "string", default: "100" },
    seconds: { type: "string", default: "0" },
    /** Lines a file; 0 is no limit. */
    lines: { type: "string", default: "0" },
    /** Rotations a second of each file. */
    rotations: { type: "string", default: "0" },
    /** `signal`: they begin with SIGUSR2, so that a reader can have met the first generations. */
    "rotate-from": { type: "string", default: "start" },
    /** `shift`: app.log -> app.log.1 -> app.log.2. `unique`: app.log -> app.log.<milliseconds>-<count>. */
    scheme: { type: "string", default: "shift" },
    /** Generations to keep with `shift`; 0 keeps all. */
    keep: { type: "string", default: "0" },
    /** Bytes of text in each line beyond its fields. */
    padding: { type: "string", default: "100" },
    truth: { type: "string" },
  },
});
const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`not a quantity: ${text}`);
  return value;
};
const rate = number(values.rate);
const lines = number(values.lines) || Infinity;
const seconds = number(values.seconds) || Infinity;
const rotations = number(values.rotations);
const keep = number(values.keep) || Infinity;
const padding = "x".repeat(number(values.padding));
if (rate === 0 && lines === Infinity) throw new RangeError("--rate 0 needs --lines");

const TICK_MS = 10;
const LINES_A_WRITE = 500;
const LEVELS = ["debug", "info", "info", "info", "warn", "error"];

interface LogFile {
  readonly name: string;
  readonly path: string;
  fd: number;
  seq: number;
  generations: number;
  /** The end of a line whose beginning is in the file already. */
  rest: string;
}

function line(file: LogFile, seq: number): string {
  const head = { time: new Date().toISOString(), level: LEVELS[seq % LEVELS.length], file: file.name, seq };
  return `${JSON.stringify({ ...head, msg: `request served ${padding}` })}\n`;
}

/** Completes the line that the last tick left without its end. */
function complete(file: LogFile): void {
  if (file.rest === "") return;
  writeSync(file.fd, file.rest);
  file.rest = "";
}

function write(file: LogFile, count: number): void {
  complete(file);
  const end = Math.min(file.seq + count, lines);
  while (file.seq < end) {
    const first = file.seq;
    file.seq = Math.min(first + LINES_A_WRITE, end);
    let text = "";
    for (let seq = first; seq < file.seq; seq += 1) text += line(file, seq);
    const isTorn = rate > 0 && file.seq === end && file.seq % 5 === 0;
    const cut = isTorn ? text.length - 30 : text.length;
    writeSync(file.fd, text.slice(0, cut));
    file.rest = text.slice(cut);
  }
}

function rotate(file: LogFile): void {
  complete(file);
  if (values.scheme === "unique") {
    renameSync(file.path, `${file.path}.${Date.now()}-${file.generations}`);
  } else {
    const kept = Math.min(file.generations, keep - 1);
    if (file.generations >= keep) rmSync(`${file.path}.${keep}`, { force: true });
    for (let n = kept; n >= 1; n -= 1) {
      if (existsSync(`${file.path}.${n}`)) renameSync(`${file.path}.${n}`, `${file.path}.${n + 1}`);
    }
    renameSync(file.path, `${file.path}.1`);
  }
  file.generations += 1;
  // As loggers do: the new file is opened after the rename, so for a moment the path leads nowhere.
  const next = openSync(file.path, "a");
  closeSync(file.fd);
  file.fd = next;
}

const files = Array.from({ length: number(values.files) }, (_, index): LogFile => {
  const name = `app-${index}`;
  const path = join(values.dir, `${name}.log`);
  return { name, path, fd: openSync(path, "a"), seq: 0, generations: 0, rest: "" };
});

function report(): string {
  const written = Object.fromEntries(files.map((file) => [file.name, file.seq]));
  const generations = Object.fromEntries(files.map((file) => [file.name, file.generations]));
  return `${JSON.stringify({ written, generations })}\n`;
}

function finish(): void {
  for (const file of files) complete(file);
  const truth = report();
  if (values.truth !== undefined) appendFileSync(values.truth, truth);
  process.stdout.write(truth);
}

const startedAt = performance.now();
let reportedAt = startedAt;
let rotatingSince = values["rotate-from"] === "signal" ? Infinity : startedAt;
process.once("SIGUSR2", () => {
  rotatingSince = performance.now();
});

function tick(): void {
  const now = performance.now();
  const elapsed = Math.min((now - startedAt) / 1_000, seconds);
  for (const file of files) {
    const due = rate === 0 ? lines : Math.floor(elapsed * rate);
    write(file, Math.max(0, due - file.seq));
    if (file.generations < Math.floor(((now - rotatingSince) / 1_000) * rotations)) rotate(file);
  }
  if (values.truth !== undefined && now - reportedAt > 1_000) {
    reportedAt = now;
    appendFileSync(values.truth, report());
  }
  if (elapsed >= seconds || files.every((file) => file.seq >= lines)) {
    clearInterval(timer);
    process.off("SIGTERM", stop);
    finish();
  }
}

function stop(): void {
  clearInterval(timer);
  finish();
}

const timer = setInterval(tick, TICK_MS);
process.once("SIGTERM", stop);
