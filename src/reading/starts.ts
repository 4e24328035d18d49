import type { Emit } from "../core/events.ts";
import type { LogRecord } from "../core/record.ts";
import type { LogFile } from "../files/log-file.ts";
import { type RecordStart, recordStart, shapeOf } from "../records/multiline/record-starts.ts";
import { isQuiet, isSevere, isTraceLine, standsAlone } from "../records/multiline/shapes.ts";

/** How the records of a stream of lines begin, as far as that is known. */
export interface Starting {
  /** Undefined if they begin in no way of their own, or that is open. */
  readonly start: RecordStart | undefined;
  /** Whether that was decided. Else too little is known for more than to join traces. */
  readonly isSure: boolean;
  /** Offset in the file of the first line that waits for the decision. */
  readonly heldFrom?: number | undefined;
}

/** Of a line that is no record yet. */
export type SampledLine = Pick<LogRecord, "offset" | "length" | "body" | "split">;

export interface FileStartsOptions {
  readonly emit: Emit;
  /** A decision was made that belongs into the file's checkpoint. */
  readonly decided: (file: LogFile) => void;
}

/** So many records begin alike, and none otherwise: then all of the file's do. */
const ENOUGH = 20;

/** So many lines of a banner may stand before the first of them. */
const MAX_BANNER = 20;

/** A decision is not put off longer than this. */
const MAX_LINES = 1_000;

const UNKNOWN: Starting = { start: undefined, isSure: false };

/** The first lines of a stream of which it is open how its records begin. */
class Sample {
  start: RecordStart | undefined;
  /** The offset after the last line that was looked at: sinks read the same lines. */
  #next = 0;
  #lines = 0;
  #banner = 0;
  #starts = 0;
  #wasStart = false;
  #latest = { offset: 0, isQuiet: false, isSevere: false };
  /** Where the line begins below which others stand that do not begin so. */
  #firstRun: number | undefined;

  /** The decision, if this line makes it: false if records begin in no way of their own. */
  take({ offset, length, body, split }: SampledLine): boolean | undefined {
    if (offset < this.#next || split !== undefined) return undefined;
    this.#next = offset + length;
    this.#lines += 1;
    const isStart = this.start === undefined ? this.#begin(body) : this.start.test(body);
    if (isStart) {
      this.#starts += 1;
      this.#latest = { offset, isQuiet: isQuiet(body), isSevere: isSevere(body) };
    } else if (this.#isSecond(body)) {
      // The level stands here.
      this.#latest = { ...this.#latest, isQuiet: isQuiet(body), isSevere: isSevere(body) };
      this.#firstRun ??= this.#latest.offset;
    } else if (!this.#goesOn(body)) return false;
    this.#wasStart = isStart;
    if (this.#starts >= ENOUGH) return true;
    return this.#lines < MAX_LINES ? undefined : this.#starts > 1;
  }

  #isSecond(body: string): boolean {
    return this.#wasStart && this.start?.isSecond(body) === true;
  }

  #begin(body: string): boolean {
    const shape = shapeOf(body);
    if (shape !== undefined) this.start = recordStart(shape);
    return shape !== undefined;
  }

  /** Whether a line that begins no record may be one of a banner, or belong to the line before it. */
  #goesOn(body: string): boolean {
    if (standsAlone(body) || shapeOf(body) !== undefined) return false;
    if (this.start !== undefined) this.#firstRun ??= this.#latest.offset;
    else this.#banner += 1;
    // A trace at the beginning, or below a line that tells of no fault, is by itself here.
    return this.#banner <= MAX_BANNER && !((this.start === undefined || this.#latest.isQuiet) && isTraceLine(body));
  }

  /** Where the first line begins to which others may belong: those that are there, or a trace that is not there yet. */
  get heldFrom(): number | undefined {
    return this.#firstRun ?? (this.#latest.isSevere ? this.#latest.offset : undefined);
  }

  /** Whether what there is speaks for it, at the end of a short file. */
  get isLikely(): boolean {
    return this.#banner === 0 && (this.#starts > 1 || this.#latest.isSevere);
  }
}

/**
 * How the records of each file begin: found out from its first lines, kept in its checkpoint. Until then the lines that
 * depend on it wait, at most until the file has not grown for a while.
 */
export class FileStarts {
  readonly #options: FileStartsOptions;
  readonly #samples = new WeakMap<LogFile, Map<string, Sample>>();
  readonly #withRuns = new WeakMap<LogFile, Set<string>>();

  constructor(options: FileStartsOptions) {
    this.#options = options;
  }

  /** What was decided; undefined if that is open. */
  of(file: LogFile, stream?: string): Starting | undefined {
    const { starts } = file.decisions(stream);
    if (starts === undefined) return undefined;
    return starts === "" ? UNKNOWN : { start: recordStart(starts), isSure: true };
  }

  /** Looks at lines of a file of which it is open. With `flush` nothing more is awaited. */
  learn(file: LogFile, lines: readonly SampledLine[], flush: boolean, stream?: string): Starting {
    const sample = this.#sample(file, stream);
    for (const line of lines) {
      const decision = sample.take(line);
      if (decision !== undefined) return this.#decide(file, stream, decision ? sample.start : undefined);
    }
    const { start, heldFrom, isLikely } = sample;
    if (flush) return isLikely ? { start, isSure: false } : UNKNOWN;
    return { ...UNKNOWN, heldFrom };
  }

  /** Lines that begin no record stand in it: the next ones may be split from theirs unless the last line waits. */
  hasRuns(file: LogFile, stream = ""): boolean {
    return this.#withRuns.get(file)?.has(stream) === true;
  }

  foundRuns(file: LogFile, stream = ""): void {
    const streams = this.#withRuns.get(file) ?? new Set<string>();
    this.#withRuns.set(file, streams.add(stream));
  }

  #decide(file: LogFile, stream: string | undefined, start: RecordStart | undefined): Starting {
    this.#samples.get(file)?.delete(stream ?? "");
    file.decide({ starts: start?.shape ?? "" }, stream);
    const within = stream ? { stream } : {};
    if (start !== undefined)
      this.#options.emit({ kind: "file.starts", path: file.path, ...within, shape: start.shape });
    this.#options.decided(file);
    return { start, isSure: start !== undefined };
  }

  #sample(file: LogFile, stream = ""): Sample {
    const samples = this.#samples.get(file) ?? new Map<string, Sample>();
    this.#samples.set(file, samples);
    const sample = samples.get(stream) ?? new Sample();
    samples.set(stream, sample);
    return sample;
  }
}
