import { basename } from "node:path";
import { z } from "zod";
import type { Clock } from "../../src/core/clock.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { defineSink, type SinkDefinition } from "../../src/core/sink-definition.ts";
import type { Sink } from "../../src/core/sink.ts";
import type { Oracle, Place, Sighting } from "./oracle.ts";

export type ReceiverMode =
  | "up"
  /** 503 to everything. */
  | "down"
  /** 401 to everything. */
  | "blocked"
  /** 429 to everything, and when to come again. */
  | "throttled"
  /** Takes a request at once and answers late. */
  | "slow"
  /** Takes the next request, but its answer is lost. */
  | "answerLost"
  /** 413 to everything but single records. */
  | "tooLarge";

export interface ReceiverSettings {
  readonly name: string;
  readonly maxRecords: number;
  readonly concurrency: number;
  /** A refusal names the guilty record, and what stands before it was taken. */
  readonly namesGuilty: boolean;
  /** How late it answers when it is slow. */
  readonly slowMs?: number;
}

/** What it answers. */
export type Verdict = Exclude<Outcome, { readonly kind: "received" | "ended" }>;

/** Records with this in their text are refused for good. */
export const POISON = "POISON";

const RETRY_AFTER_MS = 1_000;
const SLOW_MS = 3_000;

/** A batch that was not taken as a whole: the agent may count any of it as delivered only when all of it is decided. */
interface Case {
  readonly open: Set<string>;
  readonly places: Place[];
}

export interface Item extends Sighting {
  /** Tells it from other records. */
  readonly key: string;
}

/** A vendor: it takes requests as strictly as it is told to, and tells the oracle what it got and what it answered. */
export class Receiver {
  readonly settings: ReceiverSettings;
  mode: ReceiverMode = "up";
  readonly #oracle: Oracle;
  #cases: Case[] = [];

  constructor(settings: ReceiverSettings, oracle: Oracle) {
    this.settings = settings;
    this.#oracle = oracle;
  }

  /** Another agent: what the one before was in the middle of is undecided, and its batch is sent anew. */
  startRun(): void {
    this.#oracle.takenOver(this.settings.name, this.#cases.length > 0);
    for (const { places } of this.#cases) this.#oracle.withdraw(this.settings.name, places);
    this.#cases = [];
  }

  async take(items: readonly Item[], clock: Clock, signal: AbortSignal): Promise<Verdict> {
    if (items.length > this.settings.maxRecords)
      this.#oracle.fault(`${this.settings.name} got ${items.length} records`);
    switch (this.mode) {
      case "down":
        return { kind: "retry", reason: "503" };
      case "throttled":
        return { kind: "retry", reason: "429", afterMs: RETRY_AFTER_MS };
      case "blocked":
        return { kind: "blocked", reason: "401" };
      case "answerLost":
        this.mode = "up";
        if (items.some(({ body }) => body.includes(POISON))) return this.#judge(items, clock);
        this.#receive(items);
        return { kind: "retry", reason: "connection reset" };
      case "tooLarge":
        if (items.length === 1) return this.#judge(items, clock);
        this.#openCase(items);
        return { kind: "tooLarge", reason: "413" };
      case "slow": {
        if (items.some(({ body }) => body.includes(POISON))) return this.#judge(items, clock);
        const places = this.#receive(items);
        await clock.sleep(this.settings.slowMs ?? SLOW_MS, signal);
        if (signal.aborted) return { kind: "retry", reason: "abandoned" };
        return this.#answer(items, places, clock);
      }
      case "up":
        break;
    }
    return this.#judge(items, clock);
  }

  #judge(items: readonly Item[], clock: Clock): Verdict {
    const bad = items.findIndex(({ body }) => body.includes(POISON));
    if (bad === -1) return this.#answer(items, this.#receive(items), clock);
    if (items.length > 1) this.#openCase(items);
    if (items.length === 1 || this.settings.namesGuilty) {
      const before = items.slice(0, bad);
      this.#decide(before, this.#receive(before), clock);
      const [refused] = this.#receive(items.slice(bad, bad + 1));
      if (refused !== undefined) this.#oracle.refused(this.settings.name, refused);
      this.#decide(items.slice(bad, bad + 1), refused === undefined ? [] : [refused], clock);
    }
    return { kind: "rejected", reason: "400", ...(this.settings.namesGuilty ? { firstBad: bad } : {}) };
  }

  #receive(items: readonly Item[]): readonly Place[] {
    return items.flatMap((item) => this.#oracle.receive(this.settings.name, item) ?? []);
  }

  #answer(items: readonly Item[], places: readonly Place[], clock: Clock): Verdict {
    this.#oracle.answered(this.settings.name, places);
    this.#decide(items, places, clock);
    return { kind: "delivered" };
  }

  #openCase(items: readonly Item[]): void {
    if (this.#cases.some(({ open }) => items.some(({ key }) => open.has(key)))) return;
    this.#cases.push({ open: new Set(items.map(({ key }) => key)), places: [] });
  }

  /** These have their terminal outcome, and whole batches with them. */
  #decide(items: readonly Item[], places: readonly Place[], clock: Clock): void {
    const found = this.#cases.find(({ open }) => items.some(({ key }) => open.has(key)));
    if (found === undefined) return this.#oracle.settled(this.settings.name, places, clock.elapsed());
    found.places.push(...places);
    for (const { key } of items) found.open.delete(key);
    if (found.open.size > 0) return;
    this.#cases = this.#cases.filter((one) => one !== found);
    this.#oracle.settled(this.settings.name, found.places, clock.elapsed());
  }
}

/** The type of sink that ships to the receivers. `isDead`: the process that it stands for was killed. */
export const modelSink = (receivers: readonly Receiver[], isDead: () => boolean): SinkDefinition =>
  defineSink({
    type: "model",
    schema: z.strictObject({}),
    create(_options, { name, clock }): Sink {
      const receiver = receivers.find(({ settings }) => settings.name === name);
      if (receiver === undefined) throw new Error(`no receiver ${name}`);
      const { maxRecords, concurrency } = receiver.settings;
      return {
        limits: { maxRecords, maxBytes: 5_000_000, maxRecordBytes: 1_000_000, maxAgeMs: 50 },
        concurrency: { min: 1, max: concurrency },
        encode(records, body) {
          for (const record of records) {
            const head = JSON.stringify([record.origin.path, record.offset, record.split ?? null]).slice(0, -1);
            body.quoted(`${head},`, record, "]\n");
          }
        },
        async send(body, signal) {
          if (isDead()) {
            await clock.sleep(Number.POSITIVE_INFINITY, signal);
            return { kind: "retry", reason: "the process is dead" };
          }
          return receiver.take(body.toString("utf8").split("\n").slice(0, -1).map(itemOf), clock, signal);
        },
        close: async () => {},
      };
    },
  });

const itemSchema = z.tuple([z.string(), z.number(), z.enum(["first", "middle", "last"]).nullable(), z.string()]);

function itemOf(line: string): Item {
  const [path, offset, split, body] = itemSchema.parse(JSON.parse(line));
  return { key: `${path} ${offset} ${split} ${body}`, name: basename(path), offset, body, split: split ?? undefined };
}
