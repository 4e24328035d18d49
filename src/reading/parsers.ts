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

/** Lines of `auto` of which it is still open what they are: what those so far look like. */
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

/** One of those that a container's file holds; undefined for the lines of any other file. */
type Stream = string | undefined;

/**
 * How the lines of each file are parsed, and what `auto` decides about it. What stands within the wrappers of a container's
 * file is decided for each stream by itself.
 */
export class FileParsers {
  readonly #options: FileParsersOptions;
  readonly #sources = new WeakMap<SourceSettings, SourceParsing>();
  /** Of each file by the streams within; undefined where nothing is read out of a line. */
  readonly #parses = new WeakMap<LogFile, Map<Stream, Parse | undefined>>();
  readonly #samples = new WeakMap<LogFile, Map<Stream, Sample>>();

  constructor(options: FileParsersOptions) {
    this.#options = options;
  }

  /** For the lines of this file, or of a stream in it. */
  of(file: LogFile, stream?: string): Parse | undefined {
    const parses = mapOf(this.#parses, file);
    if (parses.has(stream)) return parses.get(stream);
    return this.#isOpen(file, stream) ? this.#sample(file, stream).parse : this.#keep(file, stream);
  }

  /** Tells `auto` what was read of it. */
  learn(file: LogFile, records: readonly LogRecord[], stream?: string): void {
    if (mapOf(this.#parses, file).has(stream) || !this.#isOpen(file, stream)) return;
    const { lines } = this.#sample(file, stream);
    const context = this.#context(file);
    for (const record of records) {
      if (lines.length === SAMPLE_LINES) break;
      if (record.split === undefined) lines.push(recognize(record.body, context));
    }
    const format = decide(lines);
    if (format === undefined) return;
    this.#decide(file, format, stream);
    this.#keep(file, stream);
    this.#samples.get(file)?.delete(stream);
  }

  /** Whether a container runtime wrote the file. `firstLine` is asked for while that is open. */
  isContainer(file: LogFile, firstLine: () => string): boolean {
    const { name } = this.#source(file.source).format;
    const known = name === "auto" ? file.format : name;
    if (known !== undefined) return known === "cri" || known === "docker";
    if (this.#samples.has(file)) return false;
    const format = containerOf(firstLine());
    if (format !== undefined) this.#decide(file, format);
    return format !== undefined;
  }

  #decide(file: LogFile, format: string, stream?: string): void {
    file.decide({ format }, stream);
    this.#options.emit({ kind: "file.format", path: file.path, ...(stream ? { stream } : {}), format });
    this.#options.decided(file);
  }

  #isOpen(file: LogFile, stream: Stream): boolean {
    return file.decisions(stream).format === undefined && this.#isAuto(file);
  }

  /** What runtimes wrap is decided, too. */
  #isAuto(file: LogFile): boolean {
    const { name } = this.#source(file.source).format;
    return name === "auto" || name === "cri" || name === "docker";
  }

  #sample(file: LogFile, stream: Stream): Sample {
    const samples = mapOf(this.#samples, file);
    let sample = samples.get(stream);
    if (sample === undefined) {
      const undecided = autoParser(undefined, this.#context(file));
      const parses = mapOf(this.#parses, file);
      sample = { lines: [], parse: (body) => (parses.get(stream) ?? undecided)(body) };
      samples.set(stream, sample);
    }
    return sample;
  }

  #keep(file: LogFile, stream: Stream): Parse | undefined {
    const { format } = this.#source(file.source);
    const context = this.#context(file);
    const parse = this.#isAuto(file)
      ? autoParser(file.decisions(stream).format, context)
      : namedParser(format, context);
    mapOf(this.#parses, file).set(stream, parse);
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

function mapOf<T>(maps: WeakMap<LogFile, Map<Stream, T>>, file: LogFile): Map<Stream, T> {
  let map = maps.get(file);
  if (map === undefined) {
    map = new Map();
    maps.set(file, map);
  }
  return map;
}
