import { formatSize } from "../core/units.ts";

export interface SinkProgress {
  readonly name: string;
  readonly deliveredRecords: number;
  readonly pendingBytes: number;
  /** Why it is failing, if it is. */
  readonly failure: string | undefined;
}

export interface Progress {
  readonly elapsedMs: number;
  readonly writtenLines: number;
  readonly rotations: number;
  readonly sinks: readonly SinkProgress[];
}

/** Columns that the long form takes when two sinks are failing. */
const LONG_FORM_COLUMNS = 116;
const SHORT_NUMBER = 9_999;

const count = (value: number): string => value.toLocaleString("en-US");

/** One line that says how far everything is, in the longest form for the columns there are. */
export function progressLine(progress: Progress, columns: number): string {
  return columns >= LONG_FORM_COLUMNS ? longForm(progress) : shortForm(progress);
}

function longForm({ elapsedMs, writtenLines, rotations, sinks }: Progress): string {
  const head = `${seconds(elapsedMs)} ${count(writtenLines)} written, ${rotations} rotations`;
  return [head, ...sinks.map(longSink)].join(" | ");
}

function longSink({ name, deliveredRecords, pendingBytes, failure }: SinkProgress): string {
  return `${name} ${count(deliveredRecords)} +${formatSize(pendingBytes)} ${failure === undefined ? "ok" : shorten(failure)}`;
}

/** `457+2K` is 457 records delivered and 2 KiB pending; only one number stands there when nothing is. Fits 77 columns. */
function shortForm({ writtenLines, sinks }: Progress): string {
  return [`${brief(writtenLines)} written`, ...sinks.map(shortSink)].join("  ");
}

function shortSink({ name, deliveredRecords, pendingBytes, failure }: SinkProgress): string {
  const pending = pendingBytes === 0 ? "" : `+${briefSize(pendingBytes)}`;
  return `${name} ${brief(deliveredRecords)}${pending} ${failure === undefined ? "ok" : statusOf(failure)}`;
}

const seconds = (ms: number): string => `${Math.floor(ms / 1_000)}s`.padStart(3);

const brief = (value: number): string => (value <= SHORT_NUMBER ? String(value) : `${(value / 1_000).toFixed(1)}k`);

function briefSize(bytes: number): string {
  return bytes < 1_024 ** 2 ? `${Math.ceil(bytes / 1_024)}K` : `${Math.ceil(bytes / 1_024 ** 2)}M`;
}

/** The reason without the body of the answer: `HTTP 503`. */
const shorten = (failure: string): string => failure.split(":", 1)[0]?.slice(0, 16) ?? failure;

const statusOf = (failure: string): string => /^HTTP (\d{3})/.exec(failure)?.[1] ?? "failing";
