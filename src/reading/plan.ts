import { compilePattern } from "../core/pattern.ts";
import type { SourceSettings } from "../files/log-file.ts";
import { type Extent, MAX_TEXT } from "../records/multiline/lines.ts";
import { fromStarts } from "../records/multiline/from-starts.ts";
import { byPatterns } from "../records/multiline/patterns.ts";
import type { RecordStart } from "../records/multiline/record-starts.ts";
import { auto, presets } from "../records/multiline/registry.ts";
import { isSevere, mayBeHeader } from "../records/multiline/shapes.ts";
import type { JoinLimits } from "./joining.ts";
import type { Starting } from "./starts.ts";

/** How the lines of a source are joined, compiled once for all of its files. */
export interface JoinPlan {
  readonly extent: Extent;
  /** Whether it is found out for each file how its records begin. */
  readonly findsStarts: boolean;
  readonly limits: JoinLimits;
  /** How much of a line's text the rule gets to see, UTF-16 units. */
  readonly maxText: number;
  /** Whether any line may begin a record of several: then the quick look at the bytes can't rule it out. */
  readonly anyLine: boolean;
}

/** The plan for a stream of lines of which it is known, or likely, how its records begin. */
export interface JoinRule extends JoinPlan {
  readonly start: RecordStart | undefined;
  /** Whether the last line there is has to wait for those that may belong to it. */
  readonly waits: (text: string) => boolean;
}

/** `hasRuns`: lines that begin no record were met in the file before. */
export function ruleOf(plan: JoinPlan, { start, isSure }: Starting, hasRuns: boolean): JoinRule {
  if (start === undefined) return { ...plan, start, waits: mayBeHeader };
  const waits = hasRuns ? () => true : (text: string) => isSevere(text) || mayBeHeader(text);
  return { ...plan, extent: fromStarts(start, plan.extent, !isSure), start, waits };
}

const plans = new WeakMap<SourceSettings, { readonly plan: JoinPlan | undefined }>();

/** Undefined if each line is a record. */
export function planOf(source: SourceSettings): JoinPlan | undefined {
  let known = plans.get(source);
  if (known === undefined) {
    known = { plan: compile(source) };
    plans.set(source, known);
  }
  return known.plan;
}

const patternOf = (source: string | undefined) => (source === undefined ? undefined : compilePattern(source));

function compile({ name, multiline = "none", maxRecordBytes, maxRecordLines }: SourceSettings): JoinPlan | undefined {
  if (multiline === "none") return undefined;
  const limits = { maxLines: maxRecordLines ?? Number.POSITIVE_INFINITY, maxRecordBytes };
  if (typeof multiline === "string") {
    const extent = multiline === "auto" ? auto : presets[multiline];
    if (extent === undefined) throw new Error(`source ${name} names no way of joining: ${multiline}`);
    return { extent, findsStarts: multiline === "auto", limits, maxText: MAX_TEXT, anyLine: false };
  }
  const extent = byPatterns({
    start: patternOf(multiline.start),
    continue: patternOf(multiline.continue),
    end: patternOf(multiline.end),
    continued: patternOf(multiline.continued),
  });
  return { extent, findsStarts: false, limits, maxText: Number.POSITIVE_INFINITY, anyLine: true };
}
