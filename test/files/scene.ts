import { readdirSync, readlinkSync } from "node:fs";
import { appendFile, mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { onTestFinished } from "vitest";
import type { AgentEvent } from "../../src/core/events.ts";
import { START } from "../../src/core/position.ts";
import { positionAt } from "../../src/files/identity.ts";
import type { LogFile, SourceSettings } from "../../src/files/log-file.ts";
import { FileRegistry } from "../../src/files/registry.ts";
import { noCounters } from "../../src/pipeline/counters.ts";
import { MemoryStore } from "../core/memory-store.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { TestClock } from "../core/test-clock.ts";

export const GRACE_MS = 60_000;

export interface SceneOptions {
  /** Names or patterns in the scene's directory. */
  readonly include?: readonly string[];
  readonly source?: Partial<SourceSettings>;
  readonly maxOpenFiles?: number;
  /** Part of the volume that is free, 0 to 1. */
  readonly freePart?: () => number;
  /** What happens when new files are told, before anything of them is read. */
  readonly onAdded?: () => void;
  /** What happens at the very moment of an event. */
  readonly onEvent?: (event: AgentEvent) => void;
}

/** A registry over a real directory, with one sink `a` whose cursors the test sets. */
export class Scene {
  readonly directory = join(scratchDirectory(), "logs");
  // The registry compares the wall clock with the file system's times.
  readonly clock = new TestClock(Date.now());
  readonly store = new MemoryStore();
  readonly events: AgentEvent[] = [];
  /** Files in the order in which the listener was told of them. */
  readonly added: LogFile[] = [];
  readonly changed: LogFile[] = [];
  readonly forgotten: number[] = [];
  registry: FileRegistry;
  readonly #options: SceneOptions;
  #lastBirth = 0n;

  static async create(options: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(options);
    await mkdir(scene.directory);
    onTestFinished(() => scene.registry.close());
    return scene;
  }

  private constructor(options: SceneOptions) {
    this.#options = options;
    this.registry = this.#registry();
  }

  get source(): SourceSettings {
    return {
      name: "app",
      include: (this.#options.include ?? ["app.log"]).map((pattern) => this.path(pattern)),
      exclude: [],
      format: "raw",
      startAt: "beginning",
      maxRecordBytes: 900_000,
      allowedRoots: [],
      rotated: { grace: GRACE_MS, dirs: [], maxHeldBytes: 1 << 29, policy: "release" },
      ...this.#options.source,
    };
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Makes a file. Births are a tick of the file system's clock apart, as those of generations are. */
  async write(name: string, content: string | Buffer): Promise<void> {
    const path = this.path(name);
    while ((await this.#birthNow()) <= this.#lastBirth) await pause(1);
    await writeFile(path, content);
    this.#lastBirth = await birthOf(path);
  }

  /** The birth that a file made now gets: the file system's clock is coarse, and how coarse differs. */
  async #birthNow(): Promise<bigint> {
    const probe = join(this.directory, "..", "probe");
    await writeFile(probe, "");
    const birth = await birthOf(probe);
    await rm(probe);
    return birth;
  }

  /** Lets time pass for the file system too, whose clock can't be stepped. */
  async passTime(ms: number): Promise<void> {
    await pause(ms);
    await this.clock.advance(ms);
  }

  append(name: string, content: string): Promise<void> {
    return appendFile(this.path(name), content);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(this.path(from), this.path(to));
  }

  start(): Promise<void> {
    return this.registry.start();
  }

  lookFully(): Promise<void> {
    return this.registry.lookFully();
  }

  /** The agent ends and a new one starts, with `meanwhile` between them. */
  async restart(meanwhile: () => Promise<unknown> = async () => {}, { halted = false } = {}): Promise<void> {
    await this.registry.close();
    await meanwhile();
    this.events.length = 0;
    this.added.length = 0;
    this.registry = this.#registry();
    if (halted) this.registry.halt();
    await this.registry.start();
  }

  /** The one file that is at the path now and not given up. */
  file(name: string): LogFile {
    const found = this.all().filter(({ path, state }) => path === this.path(name) && state !== "gone");
    const [file] = found;
    if (file === undefined || found.length > 1)
      throw new Error(`${found.length} files are at ${name}: ${this.states().join(", ")}`);
    return file;
  }

  all(): readonly LogFile[] {
    return [...this.registry.files.values()];
  }

  /** Where each file is and what state it is in, oldest first. */
  states(): readonly string[] {
    return this.all().map(({ path, state }) => `${basename(path)} ${state}`);
  }

  /** What the sink would read of a file, from its cursor to the highest size seen. */
  async unread(file: LogFile): Promise<string> {
    const { offset } = this.cursorOf(file);
    if (!(await this.registry.reopen(file))) return "(out of reach)";
    const bytes = await file.read(offset, Buffer.alloc(file.size - offset));
    return bytes?.toString() ?? "(closed)";
  }

  cursorOf(file: LogFile) {
    return this.store.cursors.get("a")?.get(file.id)?.position ?? START;
  }

  /** The sink has everything up to `offset`, by default all. */
  async deliver(file: LogFile, offset = file.size): Promise<void> {
    await this.registry.reopen(file);
    const position = file.handle === undefined ? undefined : await positionAt(file.handle, offset);
    if (position === undefined) throw new Error(`${file.path} is shorter than ${offset}, or not to be had`);
    const counters = { ...noCounters(), deliveredBytes: offset, deliveredRecords: 1 };
    this.store.record({ kind: "cursor", cursor: { sink: "a", file: file.id, first: 0, position, counters } });
  }

  kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  #registry(): FileRegistry {
    return new FileRegistry({
      sources: [this.source],
      store: this.store,
      listener: {
        added: async (files) => {
          this.added.push(...files);
          this.#options.onAdded?.();
        },
        changed: (file) => void this.changed.push(file),
        isNeeded: (file) => this.cursorOf(file).offset < file.size,
        forgotten: (file) => void this.forgotten.push(file.id),
      },
      clock: this.clock,
      emit: (event) => {
        this.events.push(event);
        this.#options.onEvent?.(event);
      },
      maxOpenFiles: this.#options.maxOpenFiles ?? 1_024,
      freePart: async () => this.#options.freePart?.() ?? 1,
    });
  }
}

const birthOf = async (path: string): Promise<bigint> => (await stat(path, { bigint: true })).birthtimeNs;

/** Descriptors of this process that lead to a file of the directory. */
export function descriptorsIn(directory: string): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(directory) ? [basename(target)] : [];
    } catch {
      // The descriptor of the listing itself is closed by now.
      return [];
    }
  });
}

/** What `gzip` does: the archive with the times of the original, which is removed then. */
export async function compress(scene: Scene, name: string, to = `${name}.gz`): Promise<void> {
  const { atime, mtime } = await stat(scene.path(name));
  const content = await readFile(scene.path(name));
  await scene.write(to, to.endsWith(".zst") ? zstdCompressSync(content) : gzipSync(content));
  await utimes(scene.path(to), atime, mtime);
  await rm(scene.path(name));
}

/** What copytruncate does: the content goes into a new file, and the old one is emptied in place. */
export async function copyTruncate(scene: Scene, from: string, to: string): Promise<void> {
  await scene.write(to, await readFile(scene.path(from)));
  const handle = await open(scene.path(from), "r+");
  await handle.truncate(0);
  await handle.close();
}
