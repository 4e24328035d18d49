/*
 * A long file: it reads as the table of contents of the whole agent, and what it wires is nowhere else.
 */
import type { Readable } from "node:stream";
import { StatusReport } from "./agent-status.ts";
import { BufferPool } from "./core/buffer-pool.ts";
import { Journal } from "./checkpoint/journal.ts";
import { StateLock } from "./checkpoint/lock.ts";
import type { Config } from "./config/schema.ts";
import type { CheckpointStore } from "./core/checkpoint.ts";
import { describeError, EXIT } from "./core/errors.ts";
import type { AgentEvent, Emit } from "./core/events.ts";
import type { Meter } from "./core/meter.ts";
import { LookLoop } from "./files/look-loop.ts";
import { FileRegistry } from "./files/registry.ts";
import { segmentsOf, type StdinSpool } from "./files/stdin-spool.ts";
import type { Watch } from "./files/watcher.ts";
import { Following } from "./following.ts";
import { type Estate, OpenFiles, Valve } from "./hand-over.ts";
import { BodyEncoder } from "./pipeline/body/encoder.ts";
import { createSink, deadLettersOf, resourceOf, type SinkWorld } from "./create-sink.ts";
import { DeadLetters } from "./pipeline/dead-letters.ts";
import { abandon } from "./pipeline/ledger.ts";
import { MemoryBudget } from "./pipeline/memory-budget.ts";
import { Pipeline } from "./pipeline/pipeline.ts";
import { SegmentReader } from "./reading/reader.ts";
import { isOwed, quietTimeOf, type RunMode, Shutdown } from "./shutdown.ts";
import { SegmentRemoval, spoolFor, stdinDirectory } from "./standard-input.ts";
import type { AgentStatus } from "./telemetry/status.ts";
import { createTransformers } from "./transforms/transformer.ts";

/** What the agent gets from the outside world. */
export interface AgentWorld extends SinkWorld {
  /** Where hints that something changed in the log directories come from. */
  readonly watch: Watch;
  /** Standard input, where a source may read it. */
  readonly stdin?: (() => Readable) | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly emit: Emit;
  /** Counts requests and reads, where somebody wants to know. */
  readonly meter?: Meter | undefined;
  /** When the process began, milliseconds since the epoch. Without it an agent begins when it is made. */
  readonly startedAt?: number | undefined;
  /** Descriptors that the process may have. Without it their number is not known. */
  readonly maxDescriptors?: number | undefined;
}

type AgentState = AgentStatus["state"];

/** How long an agent that hands over waits for the requests under way; less for a sink that is failing. */
const HAND_OVER_MS = 5_000;
const HAND_OVER_FAILING_MS = 1_000;
/** Descriptors for all but the followed files: at least so many, or this part of them. */
const MIN_OTHER_DESCRIPTORS = 64;
const OTHER_DESCRIPTORS_PART = 1 / 4;
/** Part of the memory that keeps segments for sharing. */
const CACHE_PART = 1 / 4;
/** Free buffers kept for the next reads and bodies. */
const POOL_BYTES = 8 * 1_024 ** 2;

/**
 * The composition root: makes the parts from the configuration, runs the loop that looks at the files, and ends
 * everything in order. A process has one agent at a time; `run` is called once.
 */
export class Agent {
  readonly #config: Config;
  readonly #world: AgentWorld;
  readonly #lock: StateLock;
  readonly #store: CheckpointStore;
  readonly #registry: FileRegistry;
  readonly #reader: SegmentReader;
  readonly #budget: MemoryBudget;
  readonly #report: StatusReport;
  #pipelines: readonly Pipeline[];
  readonly #pool = new BufferPool(POOL_BYTES);
  readonly #encoder = new BodyEncoder(this.#pool);
  readonly #following: Following;
  readonly #shutdown: Shutdown;
  readonly #looks: LookLoop;
  readonly #valve: Valve;
  /** What the agent before had open, if there was one with the same state directory. */
  readonly #inherited: OpenFiles | undefined;
  /** Keeps what comes from standard input, if a source reads it. */
  readonly #stdin: StdinSpool | undefined;
  readonly #segments: SegmentRemoval | undefined;
  /** Aborted by the first request to stop; the second aborts everything. */
  readonly #stopping = new AbortController();
  /** Told twice to stop: nothing is waited for any more. */
  #abandoned = false;
  #isLeaving = false;
  #hasLost = false;
  #estate: Estate | undefined;
  readonly #ended = Promise.withResolvers<void>();
  /** Aborted when nothing is left to do but to close. */
  readonly #over = new AbortController();
  #state: AgentState = "starting";

  /**
   * Takes the state directory and reads the checkpoints; or goes on with those of the agent before, if they are in the
   * same directory. Throws a UserError if the directory is in use or unusable; the estate is untouched then.
   */
  static async create(config: Config, world: AgentWorld, estate?: Estate): Promise<Agent> {
    if (estate?.config.stateDir === config.stateDir) {
      const stdin = await spoolFor(config, world, estate.stdin);
      if (stdin === undefined) estate.stdin?.close();
      return new Agent(config, world, { ...estate, stdin });
    }
    const lock = await StateLock.acquire(config.stateDir, world.clock);
    try {
      const store = await Journal.open({
        directory: config.stateDir,
        compactAtBytes: config.checkpoints.compactAt,
        emit: world.emit,
        hold: () => lock.hold(),
      });
      return new Agent(config, world, { lock, store, stdin: await spoolFor(config, world) });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(config: Config, world: AgentWorld, state: Pick<Estate, "lock" | "store"> & Partial<Estate>) {
    this.#config = config;
    this.#world = { ...world, emit: (event) => this.#emit(event, world.emit) };
    this.#lock = state.lock;
    this.#store = state.store;
    this.#inherited = state.files;
    this.#stdin = state.stdin;
    const { store } = state;
    const { clock, watch, emit, meter } = this.#world;
    this.#valve = new Valve(clock);
    const pipelines = (): readonly Pipeline[] => this.#pipelines;
    this.#following = new Following({
      store,
      clock,
      emit,
      pipelines,
      knownSinks: new Set([...store.cursors.keys(), ...Object.keys(state.config?.sinks ?? {})]),
      inherited: this.#inherited,
      released: (file) => this.#segments?.remove(file),
    });
    this.#registry = new FileRegistry({
      sources: Object.entries(config.sources).map(([name, source]) =>
        source.stdin ? segmentsOf({ name, ...source }, stdinDirectory(config)) : { name, ...source },
      ),
      store,
      listener: this.#following,
      clock,
      emit,
      // One that takes over from another follows what that did not only from now on.
      startedAt: state.config === undefined ? world.startedAt : undefined,
      maxOpenFiles: Math.min(config.maxOpenFiles, filesWithin(world.maxDescriptors)),
    });
    const registry = this.#registry;
    this.#segments = state.stdin && new SegmentRemoval({ config, spool: state.stdin, store, registry });
    this.#shutdown = new Shutdown({
      config,
      clock,
      emit,
      registry,
      stopping: this.#stopping.signal,
      pipelines,
      isAbandoned: () => this.#abandoned,
      spill: (to) => this.#spill(to),
    });
    this.#looks = new LookLoop({ registry, watch, clock, emit });
    // The sink that others are spilled to gets nothing else.
    const names = Object.keys(config.sinks).filter((name) => name !== config.shutdown.spillTo);
    this.#reader = new SegmentReader({
      reopen: (file) => this.#registry.reopen(file),
      emit,
      remember: (file) => this.#registry.remember(file),
      meter,
      pool: this.#pool,
      transformers: createTransformers(config.transforms, Object.keys(config.sources), {
        resource: resourceOf(config, world.hostname),
      }),
      cacheBytes: config.memory.maxBuffered * CACHE_PART,
      sinks: names.length,
    });
    this.#budget = new MemoryBudget(config.memory.maxBuffered);
    this.#report = new StatusReport({ config, store, registry, looks: this.#looks, budget: this.#budget });
    this.#pipelines = names.map((name) => this.#pipeline(name));
  }

  get state(): AgentState {
    return this.#state;
  }

  get status(): AgentStatus {
    return this.#report.of(this.#state, this.#pipelines);
  }

  /** Ships until it is told to stop (or, in mode `once`, to the end of what is there). Resolves with the exit code. */
  async run(mode: RunMode): Promise<number> {
    try {
      return await this.#ship(mode);
    } finally {
      this.#ended.resolve();
    }
  }

  /**
   * Ends soon, so that another agent of this process can go on at the cursors: nothing more is sent, requests under way get
   * a moment, unfinished lines stay. Resolves, when `run` has ended, with what the next agent takes over; with undefined if
   * this one failed, or had been told to stop.
   */
  async handOver(): Promise<Estate | undefined> {
    if (!this.#stopping.signal.aborted) {
      this.#isLeaving = true;
      this.#enter("draining", "handing over to a new configuration");
      this.#valve.shut();
      this.#stopping.abort();
    }
    await this.#ended.promise;
    return this.#estate;
  }

  async #ship(mode: RunMode): Promise<number> {
    const flushing = this.#flushRegularly(this.#over.signal);
    try {
      // What stdin brings is there when it has ended.
      if (mode === "follow" || this.#stdin !== undefined) this.#looks.watch();
      await this.#start();
      void this.#noticeEnd();
      this.#stdin?.take();
      const ending = await this.#follow(mode);
      if (this.#isLeaving) return await this.#leave();
      await this.#shutdown.drain(ending);
      const exitCode = await this.#shutdown.conclude(ending, this.#hasLost);
      this.#enter("stopped");
      await this.#segments?.removeRest((file) => this.#following.isNeeded(file));
      return exitCode;
    } catch (error) {
      this.#enter("failed");
      throw error;
    } finally {
      for (const pipeline of this.#pipelines) pipeline.stop();
      await this.#looks.close();
      if (this.#estate === undefined) this.#stdin?.close();
      this.#over.abort();
      await flushing;
      if (this.#estate === undefined) await this.#store.close();
      else await this.#store.flush();
      await this.#registry.close();
      if (this.#estate === undefined) await this.#lock.release();
    }
  }

  /** The first call drains and stops; a second one stops at once, which the cursors make safe. So does one while it hands over. */
  stop(reason: string): void {
    if (this.#stopping.signal.aborted) {
      this.#abandoned = true;
      this.#registry.halt();
      for (const pipeline of this.#pipelines) pipeline.stop();
      return;
    }
    this.#enter("draining", reason);
    for (const pipeline of this.#pipelines) pipeline.collapse();
    this.#stopping.abort();
    void this.#limitLooks();
  }

  /**
   * Told to stop, it looks at files no longer than this, be it the first look at thousands of them: the rest of the time is
   * for delivery.
   */
  async #limitLooks(): Promise<void> {
    await this.#world.clock.sleep(quietTimeOf(this.#config), this.#over.signal);
    this.#registry.halt();
  }

  /** Pipelines end before their time if their receivers have gone, or for a bug, which draining then throws. */
  async #noticeEnd(): Promise<void> {
    try {
      await Promise.all(this.#pipelines.map((pipeline) => pipeline.run()));
      if (this.#state === "running") this.stop("every sink has ended");
    } catch (error) {
      this.stop(`a sink has failed: ${describeError(error)}`);
    }
  }

  async #start(): Promise<void> {
    if (this.#store.resumed) {
      const cursors = [...this.#store.cursors.values()].reduce((sum, ofSink) => sum + ofSink.size, 0);
      this.#world.emit({ kind: "checkpoint.resumed", files: this.#store.files.size, cursors });
    }
    this.#abandonRemovedSinks();
    await this.#registry.start();
    await this.#inherited?.close();
    if (this.#registry.files.size === 0) this.#world.emit({ kind: "files.none", roots: [...this.#registry.roots] });
    this.#following.started();
    if (!this.#stopping.signal.aborted) this.#enter("running");
  }

  /** A sink that is no longer configured gives its files up, or they could never be let go. */
  #abandonRemovedSinks(): void {
    for (const sink of this.#store.cursors.keys()) {
      if (this.#pipelines.some(({ name }) => name === sink)) continue;
      const pendingBytes = abandon(sink, this.#store);
      if (pendingBytes > 0) this.#world.emit({ kind: "sink.abandoned", sink, pendingBytes });
    }
  }

  /**
   * Follows the files until the agent is told to stop, and then until the application has gone quiet; with `once`, and
   * after the end of stdin, there is nothing to wait for. Resolves with how to end.
   */
  async #follow(mode: RunMode): Promise<RunMode> {
    const isToRead = mode === "follow" || this.#stdin !== undefined;
    const inputEnded = this.#stdin?.ended ?? new AbortController().signal;
    if (isToRead) await this.#looks.run(AbortSignal.any([this.#stopping.signal, inputEnded]));
    if (this.#isLeaving) return mode;
    const isTold = this.#stopping.signal.aborted;
    const ending = isTold && isToRead ? "follow" : "once";
    if (ending === "follow") await this.#untilQuiet();
    else if (!isTold) this.#enter("draining", "reading to the end of what is there");
    // What stdin brought since the last look is read too; what is in the pipe from now on is not.
    this.#stdin?.suspend();
    if (this.#stdin !== undefined) await this.#registry.lookFully();
    return ending;
  }

  async #untilQuiet(): Promise<void> {
    const { quietPeriod } = this.#config.shutdown;
    const pointless = (): boolean => this.#registry.isHalted || this.#pipelines.every(({ ended }) => ended);
    await this.#looks.untilQuiet(quietPeriod, quietTimeOf(this.#config), pointless);
  }

  /** Waits for the requests under way, and looks at the files until the end of it, for they go on rotating. */
  async #leave(): Promise<number> {
    const { clock } = this.#world;
    const startedMs = clock.elapsed();
    const isDone = ({ name, gate }: Pipeline): boolean =>
      !this.#valve.isBusy(name) || (gate.kind !== "closed" && clock.elapsed() - startedMs >= HAND_OVER_FAILING_MS);
    const enough = (): boolean => this.#abandoned || this.#pipelines.every(isDone);
    await this.#looks.untilQuiet(Number.MAX_SAFE_INTEGER, HAND_OVER_MS, enough);
    for (const pipeline of this.#pipelines) pipeline.stop();
    await Promise.all(this.#pipelines.map((pipeline) => pipeline.run()));
    const files = new OpenFiles(this.#registry.files.values());
    this.#stdin?.suspend();
    await this.#segments?.done;
    this.#estate = { config: this.#config, lock: this.#lock, store: this.#store, files, stdin: this.#stdin };
    return EXIT.done;
  }

  async #flushRegularly(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#world.clock.sleep(this.#config.checkpoints.interval, stop);
      await this.#store.flush();
    }
  }

  /** Has a sink stand in for those that something is owed to. */
  #spill(to: string): readonly Pipeline[] {
    this.#pipelines = this.#pipelines.map((pipeline) =>
      isOwed(pipeline) ? this.#pipeline(pipeline.name, to) : pipeline,
    );
    return this.#pipelines.filter(({ spills }) => spills);
  }

  /** With `standIn` its records go to the sink of that name, and count as spilled. */
  #pipeline(name: string, standIn?: string): Pipeline {
    const { clock, emit, meter, random } = this.#world;
    const settings = this.#config.sinks[name];
    if (settings === undefined) throw new Error(`no sink ${name}`);
    const pipeline = new Pipeline({
      name,
      sink: this.#valve.guard(name, createSink(standIn ?? name, this.#config, this.#world)),
      spills: standIn !== undefined,
      reader: this.#reader,
      store: this.#store,
      budget: this.#budget,
      deadLetters: new DeadLetters({
        directory: deadLettersOf(name, this.#config),
        sink: name,
        ...this.#config.deadLetters,
        clock,
        evicted: (losses) => pipeline.evicted(losses),
      }),
      giveUpAfterMs: settings.retry?.giveUpAfter,
      pool: this.#pool,
      encoder: this.#encoder,
      clock,
      random,
      emit,
      meter,
      suspect: (file, position) => {
        this.#registry.suspect(file.id, position);
        this.#looks.hasten();
      },
    });
    return pipeline;
  }

  #emit(event: AgentEvent, emit: Emit): void {
    if (event.kind === "data.lost") this.#hasLost = true;
    emit(event);
  }

  #enter(state: AgentState, reason?: string): void {
    this.#state = state;
    this.#world.emit({ kind: "agent.state", state, ...(reason === undefined ? {} : { reason }) });
  }
}

/** Files that may be open at the same time, so that sockets, the journal and the directories have descriptors left. */
const filesWithin = (descriptors = Number.POSITIVE_INFINITY): number =>
  descriptors === Number.POSITIVE_INFINITY
    ? descriptors
    : Math.max(1, Math.floor(descriptors - Math.max(MIN_OTHER_DESCRIPTORS, descriptors * OTHER_DESCRIPTORS_PART)));
