import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import type { Generation } from "./generation.ts";
import type { Sighting } from "./oracle.ts";

/** The state directory as docs/architecture.md describes it, read without the agent's own code. */
const JOURNAL = "checkpoints.journal";

interface FileEntry {
  readonly id: number;
  /** Its live path. */
  readonly stream: string;
  readonly identity: { readonly head: { readonly length: number; readonly hash: string } };
}

interface LossEntry {
  readonly sink: string;
  readonly file: number;
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

interface CursorEntry {
  readonly sink: string;
  readonly file: number;
  readonly position: { readonly offset: number };
}

type Change = {
  readonly kind: string;
  readonly file?: FileEntry;
  readonly loss?: LossEntry;
  readonly cursor?: CursorEntry;
};

/** The changes in the lines that are whole: each begins with the CRC-32 of its JSON. */
function changesIn(directory: string): readonly Change[] {
  const path = join(directory, JOURNAL);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line): readonly Change[] => {
      const json = line.slice(9);
      if (json === "" || crc32(json) !== Number.parseInt(line.slice(0, 8), 16)) return [];
      const value: unknown = JSON.parse(json);
      return Array.isArray(value) ? value : [];
    });
}

type IsOf = (generation: Generation) => boolean;

function isFileOf(entry: FileEntry): IsOf {
  const { length, hash: expected } = entry.identity.head;
  return ({ bytes, stream }) =>
    basename(entry.stream).startsWith(stream) &&
    bytes.length >= length &&
    hash("sha1", bytes.subarray(0, length), "base64url") === expected;
}

/** Tells whether a generation is the file with this id: it begins as the journal says. Undefined if that says nothing of it. */
export function isFile(directory: string, id: number): IsOf | undefined {
  const entry = changesIn(directory).findLast(({ kind, file }) => kind === "file" && file?.id === id)?.file;
  return entry && isFileOf(entry);
}

interface Named {
  readonly sink: string;
  /** Whether a generation is the file that it is about. */
  readonly isOf: IsOf;
}

/** What the journal has told since it was read last. */
export interface News {
  readonly losses: readonly (Named & { readonly from: number; readonly to: number })[];
  readonly cursors: readonly (Named & { readonly offset: number })[];
}

/** The journal of running and killed agents, read along. */
export class Journal {
  readonly #directory: string;
  readonly #told = new Set<string>();
  #isTrusted = true;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** It was harmed: what its cursors are worth is the agent's to find out. */
  distrust(): void {
    this.#isTrusted = false;
  }

  read(): News {
    const files = new Map<number, FileEntry>();
    const cursors = new Map<string, CursorEntry>();
    const losses: LossEntry[] = [];
    for (const { file, cursor, loss } of changesIn(this.#directory)) {
      // Of a `forget` only the number is told.
      if (typeof file === "object") files.set(file.id, file);
      if (cursor !== undefined) cursors.set(`${cursor.sink} ${cursor.file}`, cursor);
      if (loss !== undefined) losses.push(loss);
    }
    const isOf = (id: number): IsOf => {
      const entry = files.get(id);
      return entry === undefined ? () => false : isFileOf(entry);
    };
    return {
      losses: losses
        .filter((loss) => this.#isNews(JSON.stringify(loss)))
        .map(({ sink, file, from, to }) => ({ sink, from, to, isOf: isOf(file) })),
      cursors: [...cursors.values()]
        .filter((cursor) => this.#isTrusted && this.#isNews(JSON.stringify(cursor)))
        .map(({ sink, file, position: { offset } }) => ({ sink, offset, isOf: isOf(file) })),
    };
  }

  #isNews(told: string): boolean {
    if (this.#told.has(told)) return false;
    this.#told.add(told);
    return true;
  }
}

interface Letter {
  readonly file: string;
  readonly offset: number;
  readonly split?: string;
  readonly record: string;
}

/** The records in a sink's dead letters: a line of JSON each, in several files. A line that a kill has cut is none. */
export function lettersOf(directory: string, sink: string): readonly Sighting[] {
  const letters = join(directory, "dead-letters", sink);
  if (!existsSync(letters)) return [];
  const segments = readdirSync(letters).filter((name) => /^\d+\.ndjson(?:\.open)?$/.test(name));
  return segments.flatMap((name) => {
    const lines = readFileSync(join(letters, name), "utf8").split("\n").slice(0, -1);
    return lines.map((line): Sighting => {
      const { file, offset, split, record }: Letter = JSON.parse(line);
      return { name: basename(file), offset, body: record, split };
    });
  });
}

export const DAMAGES = ["flip", "cut", "remove", "removeBoth", "garbage"] as const;
export type Damage = (typeof DAMAGES)[number];

/** Harms the journal as a bad disk or a bad hand does. `at`: where, in [0, 1). What a full disk cuts of it is harm enough. */
export function damage(directory: string, how: Damage, at: number): void {
  const path = join(directory, JOURNAL);
  if (!existsSync(path)) return;
  try {
    harm(path, how, at);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

function harm(path: string, how: Damage, at: number): void {
  const bytes = readFileSync(path);
  const place = Math.floor(bytes.length * at);
  switch (how) {
    case "flip":
      bytes[place] = (bytes[place] ?? 0) ^ 0x04;
      writeFileSync(path, bytes);
      break;
    case "cut":
      truncateSync(path, place);
      break;
    case "removeBoth":
      rmSync(`${path}.previous`, { force: true });
      rmSync(path);
      break;
    case "remove":
      rmSync(path);
      break;
    case "garbage":
      writeFileSync(path, Buffer.alloc(200, "garbage\n"));
      break;
  }
}
