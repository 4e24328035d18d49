import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { BufferPool } from "../../src/core/buffer-pool.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { START } from "../../src/core/position.ts";
import type { RecordReader } from "../../src/core/reading.ts";
import type { LogFile, SourceSettings } from "../../src/files/log-file.ts";
import { FileRegistry } from "../../src/files/registry.ts";
import { BodyEncoder } from "../../src/pipeline/body/encoder.ts";
import { DeadLetters } from "../../src/pipeline/dead-letters.ts";
import { MemoryBudget } from "../../src/pipeline/memory-budget.ts";
import { Pipeline } from "../../src/pipeline/pipeline.ts";
import { SegmentReader } from "../../src/reading/reader.ts";
import { MemoryStore } from "../core/memory-store.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { TestClock } from "../core/test-clock.ts";
import { until } from "../support/poll.ts";
import type { FakeSink } from "./fakes.ts";

const MIB = 1_024 ** 2;

/** Real files, a registry, a reader and one pipeline a sink: an agent without its loop, stepped by the test. */
export class PipelineScene {
  readonly directory: string;
  readonly clock = new TestClock(Date.now());
  readonly store: MemoryStore;
  readonly events: AgentEvent[] = [];
  readonly budget = new MemoryBudget(32 * MIB);
  readonly registry: FileRegistry;
  readonly pipelines: readonly Pipeline[];

  /** `earlier` is a scene that has ended: this one goes on with its files and checkpoints. */
  static async create(
    sinks: Readonly<Record<string, FakeSink>>,
    earlier?: PipelineScene,
    wrap: (reader: RecordReader<LogFile>) => RecordReader<LogFile> = (reader) => reader,
    source: Partial<SourceSettings> = {},
  ): Promise<PipelineScene> {
    const directory = earlier?.directory ?? join(scratchDirectory(), "logs");
    if (earlier === undefined) await mkdir(directory);
    const scene = new PipelineScene(directory, earlier?.store ?? new MemoryStore(), sinks, wrap, source);
    onTestFinished(() => scene.end());
    return scene;
  }

  private constructor(
    directory: string,
    store: MemoryStore,
    sinks: Readonly<Record<string, FakeSink>>,
    wrap: (reader: RecordReader<LogFile>) => RecordReader<LogFile>,
    source: Partial<SourceSettings>,
  ) {
    this.directory = directory;
    this.store = store;
    const emit = (event: AgentEvent): void => void this.events.push(event);
    const { clock } = this;
    this.registry = new FileRegistry({
      sources: [
        {
          name: "app",
          include: [this.path("*.log")],
          exclude: [],
          format: "raw",
          startAt: "beginning",
          maxRecordBytes: 900_000,
          allowedRoots: [],
          rotated: { grace: 60_000, dirs: [], maxHeldBytes: 1 << 29, policy: "release" },
          ...source,
        },
      ],
      store,
      listener: {
        added: async (files) => {
          for (const file of files) for (const pipeline of this.pipelines) pipeline.follow(file, START);
          for (const file of files) for (const pipeline of this.pipelines) pipeline.changed(file);
        },
        changed: (file) => {
          for (const pipeline of this.pipelines) pipeline.changed(file);
        },
        isNeeded: (file) => this.pipelines.some((pipeline) => pipeline.needs(file)),
        forgotten: (file) => {
          for (const pipeline of this.pipelines) pipeline.forget(file);
          store.record({ kind: "forget", file: file.id });
        },
      },
      clock,
      emit,
      maxOpenFiles: 100,
    });
    const pool = new BufferPool(MIB);
    const encoder = new BodyEncoder(pool);
    const reader = wrap(
      new SegmentReader({
        reopen: (file) => this.registry.reopen(file),
        remember: () => {},
        emit,
        pool,
        cacheBytes: 8 * MIB,
        sinks: Object.keys(sinks).length,
      }),
    );
    this.pipelines = Object.entries(sinks).map(
      ([name, sink]) =>
        new Pipeline({
          name,
          sink,
          // The pipelines are only ever given files of this registry.
          reader: {
            read: ({ id }, position, ...how) => reader.read(this.#file(id), position, ...how),
            readAgain: ({ id }, ...range) => reader.readAgain(this.#file(id), ...range),
          },
          store,
          budget: this.budget,
          deadLetters: new DeadLetters({
            directory: join(directory, "..", "letters", name),
            sink: name,
            maxBytes: MIB,
            full: "block",
            clock,
          }),
          pool,
          encoder,
          clock,
          random: () => 0.5,
          emit,
          suspect: ({ id }, position) => this.registry.suspect(id, position),
        }),
    );
  }

  get pipeline(): Pipeline {
    const [pipeline] = this.pipelines;
    if (pipeline === undefined) throw new Error("a scene has at least one sink");
    return pipeline;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string): Promise<void> {
    return writeFile(this.path(name), content);
  }

  append(name: string, content: string): Promise<void> {
    return appendFile(this.path(name), content);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(this.path(from), this.path(to));
  }

  /** Finds the files and lets the pipelines work. */
  async start(): Promise<void> {
    await this.registry.start();
    for (const pipeline of this.pipelines) void pipeline.run();
  }

  /** Steps the time until something is true. */
  async until(what: string, probe: () => boolean): Promise<void> {
    await until(
      what,
      async () => {
        if (!probe()) await this.clock.advance(250);
        return probe();
      },
      { everyMs: 1, detail: () => JSON.stringify(this.pipelines.map(({ account }) => account)) },
    );
  }

  /** Drains all pipelines; resolves when each has ended. */
  async drain(partials: "send" | "moveOver" = "send"): Promise<void> {
    let ended = 0;
    const draining = Promise.all(this.pipelines.map((one) => one.drain(partials, 2_000).then(() => (ended += 1))));
    await this.until("all pipelines have drained", () => ended === this.pipelines.length);
    await draining;
  }

  async end(): Promise<void> {
    for (const pipeline of this.pipelines) pipeline.stop();
    await Promise.allSettled(this.pipelines.map((pipeline) => pipeline.run()));
    await this.registry.close();
  }

  #file(id: number): LogFile {
    const file = this.registry.files.get(id);
    if (file === undefined) throw new Error(`no file ${id}`);
    return file;
  }
}
