import type { Emit } from "../core/events.ts";
import type { FormatName } from "../core/format.ts";
import type { LogRecord, Parse } from "../core/record.ts";
import type { LogFile, SourceSettings } from "../files/log-file.ts";
import { createTimeContext } from "../records/create-context.ts";
import { containerOf } from "../records/container.ts";
import {
  autoParser,
  type CompiledFormat,
  compileFormat,
  decide,
  namedParser,
  recognize,
  SAMPLE_LINES,
} from "../records/formats/registry.ts";
import type { TimeContext } from "../records/time-context.ts";

/** A source's options, compiled. */
interface SourceParsing {
  readonly format: CompiledFormat;
  readonly times: Omit<TimeContext, "reference">;
}

/** A file of `auto` that is still open: what its lines so far look like. */
interface Sample {
  readonly lines: (FormatName | undefined)[];
  /** Of the records that were made before the decision; it goes by the decision as soon as there is one. */
  readonly parse: Parse;
}

export interface FileParsersOptions {
  readonly emit: Emit;
  /** A decision was made that belongs into the file's checkpoint. */
  readonly decided: (file: LogFile) => void;
}

/** How the lines of each file are parsed, and what `auto` decides about it. */
export class FileParsers {
  readonly #options: FileParsersOptions;
  readonly #sources = new WeakMap<SourceSettings, SourceParsing>();
  /** Undefined where nothing is read out of a line. */
  readonly #parses = new WeakMap<LogFile, Parse | undefined>();
  readonly #samples = new WeakMap<LogFile, Sample>();

  constructor(options: FileParsersOptions) {
    this.#options = options;
  }

  /** For the lines of this file. */
  of(file: LogFile): Parse | undefined {
    if (this.#parses.has(file)) return this.#parses.get(file);
    return this.#isOpen(file) ? this.#sample(file).parse : this.#keep(file);
  }

  /** Tells `auto` what was read of a file. */
  learn(file: LogFile, records: readonly LogRecord[]): void {
    if (this.#parses.has(file) || !this.#isOpen(file)) return;
    const { lines } = this.#sample(file);
    const context = this.#context(file);
    for (const record of records) {
      if (lines.length === SAMPLE_LINES) break;
      if (record.split === undefined) lines.push(recognize(record.body, context));
    }
    const format = decide(lines);
    if (format === undefined) return;
    file.format = format;
    this.#keep(file);
    this.#samples.delete(file);
    this.#options.emit({ kind: "file.format", path: file.path, format });
    this.#options.decided(file);
  }

  /** Whether a container runtime wrote the file. `firstLine` is asked for while that is open. */
  isContainer(file: LogFile, firstLine: () => string): boolean {
    const { name } = this.#source(file.source).format;
    const known = name === "auto" ? file.format : name;
    if (known !== undefined) return known === "cri" || known === "docker";
    if (this.#samples.has(file)) return false;
    const format = containerOf(firstLine());
    if (format === undefined) return false;
    file.format = format;
    this.#options.emit({ kind: "file.format", path: file.path, format });
    this.#options.decided(file);
    return true;
  }

  #isOpen(file: LogFile): boolean {
    return file.format === undefined && this.#source(file.source).format.name === "auto";
  }

  #sample(file: LogFile): Sample {
    let sample = this.#samples.get(file);
    if (sample === undefined) {
      const undecided = autoParser(undefined, this.#context(file));
      sample = { lines: [], parse: (body) => (this.#parses.get(file) ?? undecided)(body) };
      this.#samples.set(file, sample);
    }
    return sample;
  }

  #keep(file: LogFile): Parse | undefined {
    const { format } = this.#source(file.source);
    const context = this.#context(file);
    const isOpen = format.name === "auto" || format.name === "cri" || format.name === "docker";
    const parse = isOpen ? autoParser(file.format, context) : namedParser(format, context);
    this.#parses.set(file, parse);
    return parse;
  }

  #context(file: LogFile): TimeContext {
    return { ...this.#source(file.source).times, reference: () => Number(file.mtimeNs / 1_000_000n) };
  }

  #source(source: SourceSettings): SourceParsing {
    let parsing = this.#sources.get(source);
    if (parsing === undefined) {
      parsing = { format: compileFormat(source.format), times: createTimeContext(source) };
      this.#sources.set(source, parsing);
    }
    return parsing;
  }
}
