import type { Config } from "./config/schema.ts";
import type { CheckpointStore } from "./core/checkpoint.ts";
import type { LogFile } from "./files/log-file.ts";
import type { LookLoop } from "./files/look-loop.ts";
import type { FileRegistry } from "./files/registry.ts";
import { durableAccount } from "./pipeline/ledger.ts";
import type { MemoryBudget } from "./pipeline/memory-budget.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";
import type { AgentStatus, FilesStatus, SinkStatus } from "./telemetry/status.ts";

/** The parts of an agent that something can be said of. */
export interface AgentParts {
  readonly config: Config;
  readonly store: CheckpointStore;
  readonly registry: FileRegistry;
  readonly looks: LookLoop;
  readonly budget: MemoryBudget;
}

/** What an agent's parts say of themselves, put together only when somebody asks. */
export class StatusReport {
  readonly #parts: AgentParts;
  readonly #before: ReadonlyMap<string, SinkStatus["before"]>;

  /** Before the agent begins. */
  constructor(parts: AgentParts) {
    this.#parts = parts;
    const names = Object.keys(parts.config.sinks);
    this.#before = new Map(names.map((name) => [name, durableAccount(name, parts.store)]));
  }

  of(state: AgentStatus["state"], pipelines: readonly Pipeline[]): AgentStatus {
    const { config, store, registry, looks, budget } = this.#parts;
    return {
      state,
      stateDir: config.stateDir,
      lookedAtMs: looks.lookedAtMs,
      isPolling: looks.isPolling,
      sinks: pipelines.map((pipeline) => this.#sink(pipeline)),
      files: filesOf(registry),
      checkpoints: store.health,
      memory: { bufferedBytes: budget.heldBytes, maxBufferedBytes: config.memory.maxBuffered },
    };
  }

  #sink(pipeline: Pipeline): SinkStatus {
    const { name, gate, account, inFlight, bufferedBytes, isBusy, succeededAtMs, ended } = pipeline;
    const type = this.#parts.config.sinks[name]?.type ?? "";
    const before = this.#before.get(name) ?? account;
    return { name, type, gate, account, before, inFlight, bufferedBytes, isBusy, succeededAtMs, ended };
  }
}

function filesOf(registry: FileRegistry): FilesStatus {
  const byState = { live: 0, rotated: 0, final: 0, released: 0, gone: 0 };
  let openHandles = 0;
  let held = 0;
  for (const { state, handle, deleted } of registry.files.values()) {
    byState[state] += 1;
    if (handle === undefined) continue;
    openHandles += 1;
    if (deleted) held += 1;
  }
  const { heldBytes, problems } = registry;
  return { byState, openHandles, held, heldBytes, problems, formats: formatsOf(registry.files.values()) };
}

function* formatsOf(files: Iterable<LogFile>): Generator<readonly [string, string]> {
  for (const { path, format } of files) if (format !== undefined) yield [path, format];
}
