import { copyFile, truncate } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Patterns, type PeerOptions, patternsOf } from "../support/peer-patterns.ts";
import { FakeSink } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

/** What other shippers' own tests expect of files that change step by step. Lies beside the project, where it is present at all. */
const CASES = fileURLToPath(new URL("../../../shared/cases/multiline_steps.json", import.meta.url));

interface Drip {
  readonly file?: string;
  readonly lines: number;
  readonly template: string;
  readonly every_ms: number;
}

interface Step {
  readonly write?: string;
  readonly text?: string;
  readonly lines?: readonly string[];
  readonly sleep_ms?: number;
  readonly wait_ms?: number;
  readonly wait_delivered?: number;
  readonly copytruncate?: readonly [string, string];
  readonly rename?: readonly [string, string];
  readonly create?: string;
  readonly drip?: Drip;
  readonly restart_agent?: true;
  readonly shutdown?: true;
}

interface Summary {
  readonly count: number;
  readonly starts: string;
  readonly lines_in_event: number;
}

interface Case {
  readonly id: string;
  readonly config: PeerOptions & { readonly timeout_ms?: number };
  readonly steps: readonly Step[];
  readonly expected_events: readonly string[] | Summary;
}

const { cases }: { readonly cases: readonly Case[] } = existsSync(CASES)
  ? JSON.parse(readFileSync(CASES, "utf8"))
  : { cases: [] };

test.skipIf(cases.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(cases).toEqual([]);
});

const STEP_MS = 100;

/** An agent with one sink in one directory. It can be stopped and started again. */
class Play {
  readonly events: string[] = [];
  readonly #source: { readonly multiline: Patterns; readonly flushAfter: number };
  #sink = new FakeSink(undefined, { maxAgeMs: 1 });
  #scene: PipelineScene | undefined;

  constructor({ timeout_ms: timeoutMs, ...options }: Case["config"]) {
    this.#source = { multiline: patternsOf(options), flushAfter: timeoutMs ?? 1_000 };
  }

  get #running(): PipelineScene {
    if (this.#scene === undefined) throw new Error("not started");
    return this.#scene;
  }

  async start(): Promise<void> {
    this.#sink = new FakeSink(undefined, { maxAgeMs: 1 });
    this.#scene = await PipelineScene.create({ a: this.#sink }, this.#scene, undefined, this.#source);
    await this.#scene.start();
  }

  async stop(): Promise<void> {
    const scene = this.#running;
    await scene.registry.lookFully();
    await scene.drain();
    const { pendingBytes, imbalanceBytes } = scene.pipeline.account;
    if (pendingBytes !== 0 || imbalanceBytes !== 0) throw new Error("the account does not balance");
    await scene.end();
    this.events.push(...this.#sink.taken);
    this.#sink = new FakeSink();
  }

  /** In small steps: what is read from the disk takes no time of this clock. */
  async wait(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.#running.clock.advance(Math.min(left, STEP_MS));
      await this.#running.registry.lookFully();
    }
  }

  async delivered(count: number): Promise<void> {
    await this.#running.until(`${count} records`, () => this.events.length + this.#sink.taken.length >= count);
  }

  async take(step: Step): Promise<void> {
    const scene = this.#running;
    if (step.write !== undefined) {
      await scene.append(logOf(step.write), textOf(step));
      await scene.registry.lookFully();
    } else if (step.copytruncate !== undefined) {
      const [from, to] = step.copytruncate;
      await copyFile(scene.path(from), scene.path(to));
      await truncate(scene.path(from));
      await scene.registry.lookFully();
    } else if (step.rename !== undefined) await scene.rename(...step.rename);
    else if (step.create !== undefined) await scene.write(step.create, "");
    else if (step.drip !== undefined) await this.#drip(step.drip);
    else if (step.wait_delivered !== undefined) await this.delivered(step.wait_delivered);
    else if (step.shutdown === true) await this.stop();
    else if (step.restart_agent === true) {
      await this.stop();
      await this.start();
    } else await this.wait(pauseOf(step));
  }

  async #drip({ file = "file", lines, template, every_ms: everyMs }: Drip): Promise<void> {
    for (let line = 0; line < lines; line += 1) {
      await this.#running.append(logOf(file), `${template.replace("{i}", String(line))}\n`);
      await this.wait(everyMs);
    }
  }
}

function textOf({ text, lines }: Step): string {
  const written = text ?? lines?.map((line) => `${line}\n`).join("");
  if (written === undefined) throw new Error("nothing to write");
  return written;
}

function pauseOf(step: Step): number {
  const ms = step.sleep_ms ?? step.wait_ms;
  if (ms === undefined) throw new Error(`no such step: ${JSON.stringify(step)}`);
  return ms;
}

const logOf = (name: string): string => (name.includes(".") ? name : `${name}.log`);

const summaryOf = (events: readonly string[], { starts }: Summary): Summary => ({
  count: events.length,
  starts: events[0]?.slice(0, starts.length) ?? "",
  lines_in_event: events[0]?.split("\n").length ?? 0,
});

test.each(cases.map((one) => [one.id, one] as const))("%s", async (_, { config, steps, expected_events: expected }) => {
  const play = new Play(config);
  await play.start();
  for (const step of steps) await play.take(step);
  if (steps.at(-1)?.shutdown !== true) await play.stop();
  expect("count" in expected ? summaryOf(play.events, expected) : play.events).toEqual(expected);
});
