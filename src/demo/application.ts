import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { accessLine, applicationLines, type LineSource } from "./lines.ts";
import { RotatingFile } from "./rotating-file.ts";
import { sequenceOf } from "./sequence.ts";

export interface ApplicationOptions {
  /** Made if it does not exist. */
  readonly directory: string;
  /** Lines a second, both files together. */
  readonly rate: number;
  readonly rotateEveryMs: number;
  /** Rotated generations to keep of each file. */
  readonly keep: number;
  /** Whether a line with this or a lower number has yet to arrive somewhere: its file is kept longer then. */
  readonly isNeeded: (sequence: number) => boolean;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const TICK_MS = 50;
/** After a pause, for example of a suspended machine, no more than this is made up for. */
const MAX_OWED_MS = 1_000;
const FILES = ["app.log", "access.log"] as const;

/**
 * The demo's application: writes `app.log` (JSON lines and stack traces) and `access.log`, and rotates them in turn. All
 * records are numbered through, across both files, from 0 or from where an earlier run in the same directory ended.
 */
export class Application {
  readonly #options: ApplicationOptions;
  #sequence = 0;
  #lines = 0;
  #bytes = 0;
  #rotations = 0;

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  /** Lines written. */
  get lines(): number {
    return this.#lines;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get rotations(): number {
    return this.#rotations;
  }

  /** Writes until `signal` aborts. Rejects with the system's error if it can't. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, directory, keep, rate, rotateEveryMs } = this.#options;
    mkdirSync(directory, { recursive: true });
    this.#sequence = nextSequence(directory);
    const app = new RotatingFile(join(directory, "app.log"), keep);
    const access = new RotatingFile(join(directory, "access.log"), keep);
    const startedMs = clock.elapsed();
    let nowMs = startedMs;
    let owed = 0;
    try {
      while (!signal.aborted) {
        for (; owed >= 1; owed -= 1) this.#write(app, access);
        const due = Math.floor((nowMs - startedMs) / (rotateEveryMs / FILES.length));
        if (this.#rotations < due) {
          (this.#rotations % FILES.length === 0 ? app : access).rotate(this.#options.isNeeded);
          this.#rotations += 1;
        }
        await clock.sleep(TICK_MS, signal);
        const before = nowMs;
        nowMs = clock.elapsed();
        owed += (Math.min(nowMs - before, MAX_OWED_MS) / 1_000) * rate;
      }
    } finally {
      app.close();
      access.close();
    }
  }

  #write(app: RotatingFile, access: RotatingFile): void {
    const { clock, random } = this.#options;
    const source: LineSource = { nowMs: clock.now(), random, nextSequence: () => this.#sequence++ };
    const first = this.#sequence;
    const isAccess = random() < 1 / FILES.length;
    const lines = isAccess ? [accessLine(source)] : applicationLines(source);
    const text = `${lines.join("\n")}\n`;
    (isAccess ? access : app).append(text, this.#sequence - 1);
    this.#lines += this.#sequence - first;
    this.#bytes += Buffer.byteLength(text);
  }
}

/** The number after the highest in the directory. A file's last number is its highest, and the newest files have it. */
function nextSequence(directory: string): number {
  let next = 0;
  for (const name of FILES) {
    for (const path of [join(directory, name), join(directory, `${name}.1`)]) {
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
      for (const line of lines) next = Math.max(next, (sequenceOf(line) ?? -1) + 1);
    }
  }
  return next;
}
