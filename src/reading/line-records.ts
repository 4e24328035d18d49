import { LogRecord } from "../core/record.ts";
import type { LogFile } from "../files/log-file.ts";
import { joinContent, type LineContent } from "./join-content.ts";
import { type JoinPlan, ruleOf } from "./plan.ts";
import type { FileStarts, Starting } from "./starts.ts";
import { isTrigger, REACH } from "./triggers.ts";

export interface LineRecords {
  readonly records: readonly LogRecord[];
  /** Offset in the content up to which they are decided. */
  readonly decided: number;
  /** Whether whole lines stand behind that. */
  readonly isHeldBack: boolean;
}

const NO_START: Starting = { start: undefined, isSure: false };

/** Makes records of lines, and joins those that belong together. */
export class LineReader {
  readonly #starts: FileStarts;
  /** Files of which the last piece had lines to join: in the next one there will be some, too. */
  readonly #joining = new WeakSet<LogFile>();

  constructor(starts: FileStarts) {
    this.#starts = starts;
  }

  read(lines: LineContent, plan: JoinPlan | undefined): LineRecords {
    if (plan === undefined) return frame(lines);
    const { file, flush } = lines;
    const known = plan.findsStarts ? this.#starts.of(file) : NO_START;
    if (known !== undefined && this.#joining.has(file)) return this.#join(lines, plan, known);
    const isOpen = plan.anyLine || lines.encoding.unit > 1;
    const framed = frame(lines, isOpen ? undefined : (at) => isOfNoRecord(lines.content, at, known));
    const starting = known ?? this.#starts.learn(file, framed.records, flush);
    const { waits } = ruleOf(plan, starting, this.#starts.hasRuns(file));
    // Where records begin in a way of their own, only the last can go on.
    const last = framed.records.slice(starting.start === undefined ? -REACH : -1);
    const isDecidedHere = known === undefined && starting.start !== undefined;
    const isPlain = !isOpen && !framed.isFound && !isDecidedHere && !last.some(({ body }) => waits(body));
    return before(isPlain ? framed : this.#join(lines, plan, starting), lines, starting.heldFrom);
  }

  #join(lines: LineContent, plan: JoinPlan, starting: Starting): LineRecords {
    const { file } = lines;
    const rule = ruleOf(plan, starting, this.#starts.hasRuns(file));
    const { records, decided, framed, hasJoined } = joinContent({ ...lines, rule });
    if (hasJoined) {
      this.#joining.add(file);
      if (starting.start !== undefined) this.#starts.foundRuns(file);
    } else this.#joining.delete(file);
    return { records, decided, isHeldBack: decided < framed };
  }
}

/** Whether the line that begins there may belong to another. */
const isOfNoRecord = (content: Buffer, at: number, known: Starting | undefined): boolean =>
  known?.start === undefined ? isTrigger(content, at) : !known.start.begins(content, at);

/** A record a line; and whether there is one of those that are looked for. */
function frame(
  { base, content, encoding, file: { origin }, framing, page, parse }: LineContent,
  isLookedFor?: (at: number) => boolean,
): LineRecords & { readonly isFound: boolean } {
  const records: LogRecord[] = [];
  let isFound = isLookedFor === undefined;
  const decided = encoding.frame(content, framing, (at, contentEnd, end, split) => {
    if (!isFound && isLookedFor !== undefined) isFound = isLookedFor(at);
    const text = page ?? encoding.decode(content.subarray(at, contentEnd));
    records.push(new LogRecord(text, base + at, end - at, origin, parse, split, end - contentEnd));
  });
  return { records, decided, isHeldBack: false, isFound };
}

/** What stands before an offset in the file from which on the lines wait. */
function before(read: LineRecords, { base }: LineContent, heldFrom: number | undefined): LineRecords {
  if (heldFrom === undefined || heldFrom < base || heldFrom - base >= read.decided) return read;
  const records = read.records.filter(({ offset }) => offset < heldFrom);
  return { records, decided: heldFrom - base, isHeldBack: true };
}
