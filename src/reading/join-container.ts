import { LogRecord, type Parse, type ParsedFields } from "../core/record.ts";
import type { RecordGroup } from "../core/segment.ts";
import type { FramingOptions } from "../files/framing.ts";
import type { LogFile } from "../files/log-file.ts";
import { unwrap } from "../records/container.ts";
import { SAMPLE_LINES } from "../records/formats/registry.ts";
import type { Extent } from "../records/multiline/lines.ts";
import { ContainerStream, type StreamLine } from "./container-stream.ts";
import type { Encoding } from "./encoding.ts";
import { joinLines } from "./joining.ts";
import type { FileParsers } from "./parsers.ts";
import { type JoinPlan, type JoinRule, ruleOf } from "./plan.ts";
import type { FileStarts, SampledLine } from "./starts.ts";

export interface ContainerContent {
  readonly content: Buffer;
  /** Offset in the file of the first byte of the content. */
  readonly base: number;
  readonly file: LogFile;
  /** For the text within the wrappers. */
  readonly parsers: FileParsers;
  readonly starts: FileStarts;
  readonly plan: JoinPlan | undefined;
  /** Whether nothing more is awaited. */
  readonly flush: boolean;
  readonly framing: FramingOptions;
  readonly encoding: Encoding;
}

export interface ContainerRecords {
  readonly records: LogRecord[];
  /** Offset in the content up to which no record is open. */
  readonly decided: number;
  /** Whether whole lines stand behind that. */
  readonly isHeldBack: boolean;
  readonly groups: ReadonlyMap<number, RecordGroup> | undefined;
}

/** A record with the span of the file in which its lines stand. Offsets are in the content. */
interface Spanning {
  readonly record: LogRecord;
  readonly start: number;
  readonly end: number;
}

const ALONE: Extent = () => 1;

/**
 * The records of a file that a container runtime wrote. Parts are put together, and lines joined, for each stream by
 * itself. A cursor can stand only where no record is open, so what is decided ends before the first one that is.
 */
export function joinContainer(options: ContainerContent): ContainerRecords {
  const { plan, flush, file, parsers } = options;
  const { streams, decided } = unwrapLines(options);
  const spans: Spanning[] = [];
  let openFrom = decided;
  for (const stream of streams) {
    if (flush) stream.close();
    openFrom = Math.min(openFrom, stream.openFrom ?? decided);
    const { rule, heldFrom } = plan === undefined ? NOT_JOINED : ruleFor(options, stream, plan);
    stream.rule = rule;
    openFrom = Math.min(openFrom, heldFrom ?? decided);
    const limits = plan?.limits ?? { maxLines: 1, maxRecordBytes: file.source.maxRecordBytes };
    const parse = parsers.of(file, stream.name ?? "");
    const from = spans.length;
    const open = joinLines(stream, rule?.extent ?? ALONE, limits, flush, (first, count, split) => {
      spans.push(spanOf(options, parse, stream, stream.lines.slice(first, first + count), split));
    });
    openFrom = Math.min(openFrom, stream.lines[open]?.start ?? decided);
    parsers.learn(file, recordsOf(spans, from), stream.name ?? "");
  }
  spans.sort((a, b) => a.start - b.start);
  const border = borderBefore(spans, openFrom);
  const whole = spans.filter(({ start }) => start < border);
  const groups = groupsOf(whole, options.base);
  whole.sort((a, b) => a.end - b.end);
  return { records: whole.map(({ record }) => record), decided: border, isHeldBack: border < decided, groups };
}

/** What is known of a stream's records, and with it how its lines are joined. */
function ruleFor(
  { base, file, flush, starts }: ContainerContent,
  { name = "", lines }: ContainerStream,
  plan: JoinPlan,
): { readonly rule: JoinRule; readonly heldFrom?: number | undefined } {
  if (!plan.findsStarts) return { rule: ruleOf(plan, NO_START, false) };
  const known = starts.of(file, name);
  const starting = known ?? starts.learn(file, lines.map(sampled(base)), flush, name);
  const { start, heldFrom } = starting;
  if (start !== undefined && lines.some(({ text }) => text !== "" && !start.test(text))) starts.foundRuns(file, name);
  const rule = ruleOf(plan, starting, starts.hasRuns(file, name));
  return { rule, heldFrom: heldFrom === undefined || heldFrom < base ? undefined : heldFrom - base };
}

const recordsOf = (spans: readonly Spanning[], from: number): readonly LogRecord[] =>
  spans.slice(from, from + SAMPLE_LINES).map(({ record }) => record);

const NO_START = { start: undefined, isSure: false };
const NOT_JOINED: { readonly rule: JoinRule | undefined; readonly heldFrom?: number | undefined } = { rule: undefined };

const sampled =
  (base: number) =>
  ({ start, end, text, split }: StreamLine): SampledLine => ({
    offset: base + start,
    length: end - start,
    body: text,
    split,
  });

function unwrapLines({ content, encoding, file, framing }: ContainerContent): {
  readonly streams: readonly ContainerStream[];
  readonly decided: number;
} {
  const streams = new Map<string, ContainerStream>();
  const decided = encoding.frame(content, framing, (start, contentEnd, end, split) => {
    const line = encoding.decode(content.subarray(start, contentEnd));
    const wrapped = split === undefined ? unwrap(line) : undefined;
    // Docker's and CRI's streams are different ones, should both stand in a file.
    const key =
      wrapped === undefined ? "" : `${line.charCodeAt(0) === 0x7b ? "docker" : "cri"} ${wrapped.stream ?? ""}`;
    let stream = streams.get(key);
    if (stream === undefined) {
      stream = new ContainerStream(wrapped?.stream, file.source.maxRecordBytes);
      streams.set(key, stream);
    }
    const { text: whole = line, timestamp, isPart = false } = wrapped ?? {};
    // What stands before the text is ASCII; in Docker's JSON no character is cut.
    const isCut = encoding.isUtf8 && key.startsWith("cri") && (isPart || stream.isOpen);
    const textStart = start + line.length - whole.length;
    const text = isCut ? stream.decode(content.subarray(textStart, contentEnd), isPart) : whole;
    stream.add({ text, start, end, bytes: end - start, timestamp, split }, isPart);
  });
  return { streams: [...streams.values()], decided };
}

function spanOf(
  { base, file }: ContainerContent,
  parse: Parse | undefined,
  { name }: ContainerStream,
  lines: readonly StreamLine[],
  split: LogRecord["split"],
): Spanning {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) throw new Error("a record has at least one line");
  const text = lines.length === 1 ? first.text : lines.map((line) => line.text).join("\n");
  let length = 0;
  for (const { bytes } of lines) length += bytes;
  const { timestamp } = first;
  const fields = (body: string): ParsedFields => {
    const inner = parse?.(body);
    const attributes = name === undefined ? inner?.attributes : { ...inner?.attributes, "log.iostream": name };
    return { ...inner, timestamp: timestamp ?? inner?.timestamp, attributes };
  };
  const record = new LogRecord(text, base + first.start, length, file.origin, fields, split ?? first.split);
  return { record, start: first.start, end: last.end };
}

/** The last place at or before an offset that no record stands across. `spans` in the order of their starts. */
function borderBefore(spans: readonly Spanning[], offset: number): number {
  let border = offset;
  for (let moved = true; moved;) {
    moved = false;
    for (const { start, end } of spans) {
      if (start >= border) break;
      if (end <= border) continue;
      border = start;
      moved = true;
      break;
    }
  }
  return border;
}

/** Records whose spans overlap, by the offsets of the records. */
function groupsOf(spans: readonly Spanning[], base: number): ReadonlyMap<number, RecordGroup> | undefined {
  const groups = new Map<number, RecordGroup>();
  for (let from = 0; from < spans.length;) {
    let to = from + 1;
    let end = spans[from]?.end ?? 0;
    while ((spans[to]?.start ?? end) < end) {
      end = Math.max(end, spans[to]?.end ?? 0);
      to += 1;
    }
    if (to > from + 1) {
      const group = { start: base + (spans[from]?.start ?? 0), end: base + end };
      for (const { record } of spans.slice(from, to)) groups.set(record.offset, group);
    }
    from = to;
  }
  return groups.size > 0 ? groups : undefined;
}
