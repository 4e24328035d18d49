import type { LogRecord } from "../core/record.ts";
import type { RecordTransformer } from "../core/transform.ts";
import type { TransformOptions } from "./config.ts";
import { createDrop, createKeep } from "./filter.ts";
import { ThrottleMemory } from "./memory.ts";
import { createRedact } from "./redact.ts";
import { createRemove } from "./remove.ts";
import { createRename } from "./rename.ts";
import { createSample } from "./sample.ts";
import { createSet } from "./set.ts";
import type { Step, TransformContext } from "./step.ts";
import { Throttle } from "./throttle.ts";
import { CELL_BYTES } from "./throttle-state.ts";

/** The transformers of sources by their names. A source whose records stay as they are has none. */
export function createTransformers(
  transforms: readonly TransformOptions[],
  sources: readonly string[],
  context: TransformContext,
): ReadonlyMap<string, RecordTransformer> {
  const transformers = new Map<string, RecordTransformer>();
  for (const source of sources) {
    const transformer = createTransformer(transforms, source, context);
    if (transformer !== undefined) transformers.set(source, transformer);
  }
  return transformers;
}

/** The transforms that apply to a source, put together; undefined if there are none. */
export function createTransformer(
  transforms: readonly TransformOptions[],
  source: string,
  context: TransformContext,
): RecordTransformer | undefined {
  const own = transforms.filter(({ sources }) => sources === undefined || sources.includes(source));
  return own.length === 0 ? undefined : new Transformer(own.map((options) => createStep(options, context)));
}

function createStep(options: TransformOptions, context: TransformContext): Step | Throttle {
  const { keep, drop, redact, set, remove, rename, sample, throttle } = options;
  if (keep !== undefined) return createKeep(keep, context);
  if (drop !== undefined) return createDrop(drop, context);
  if (redact !== undefined) return createRedact(redact, context);
  if (set !== undefined) return createSet(set, context);
  if (remove !== undefined) return createRemove(remove, context);
  if (rename !== undefined) return createRename(rename, context);
  if (sample !== undefined) return createSample(sample, context);
  if (throttle !== undefined) return new Throttle(throttle, context);
  throw new Error("a transform without a name");
}

class Transformer implements RecordTransformer {
  readonly #steps: readonly (Step | Throttle)[];
  readonly #throttles: number;
  readonly #memory = new ThrottleMemory();

  constructor(steps: readonly (Step | Throttle)[]) {
    this.#steps = steps;
    this.#throttles = steps.filter((step) => step instanceof Throttle).length;
  }

  contextOf(file: number, offset: number): number {
    if (this.#throttles === 0 || offset === 0 || this.#memory.has(file, offset)) return offset;
    // At the border itself the cell before is the context: what it held back may have yet to be told.
    return Math.floor((offset - 1) / CELL_BYTES) * CELL_BYTES;
  }

  transform(records: readonly LogRecord[], file: number, from: number, to: number): readonly LogRecord[] {
    const states = this.#throttles === 0 ? [] : this.#memory.recall(file, from, this.#throttles);
    let result = records;
    let throttle = 0;
    for (const step of this.#steps) {
      if (!(step instanceof Throttle)) {
        result = step(result);
        continue;
      }
      const state = states[throttle];
      throttle += 1;
      if (state !== undefined) result = step.run(result, state);
    }
    if (states.length > 0) this.#memory.remember(file, to, states);
    return result;
  }
}
