import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Generation } from "./generation.ts";

/** The state directory as docs/architecture.md describes it, read without the agent's own code. */
const JOURNAL = "checkpoints.journal";

interface FileEntry {
  readonly id: number;
  readonly identity: { readonly head: { readonly length: number; readonly hash: string } };
}

export interface LossEntry {
  readonly sink: string;
  readonly file: number;
  readonly from: number;
  readonly to: number;
}

type Change = { readonly kind: string; readonly file?: FileEntry; readonly loss?: LossEntry };

function changesIn(directory: string): readonly Change[] {
  const path = join(directory, JOURNAL);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line): readonly Change[] => {
      try {
        const value: unknown = JSON.parse(line.slice(9));
        return Array.isArray(value) ? value : [];
      } catch (error) {
        // A torn or damaged line.
        if (error instanceof SyntaxError) return [];
        throw error;
      }
    });
}

/** Tells whether a generation is the file with this id: it begins as the journal says. */
export function isFile(directory: string, id: number): (generation: Generation) => boolean {
  const entry = changesIn(directory).findLast(({ kind, file }) => kind === "file" && file?.id === id)?.file;
  if (entry === undefined) return () => false;
  const { length, hash: expected } = entry.identity.head;
  return ({ bytes }) => bytes.length >= length && hash("sha1", bytes.subarray(0, length), "base64url") === expected;
}

export const lossesIn = (directory: string): readonly LossEntry[] =>
  changesIn(directory).flatMap(({ kind, loss }) => (kind === "loss" && loss !== undefined ? [loss] : []));

/** The texts of the dead letters of a sink. */
export function deadLettersIn(directory: string, sink: string): readonly string[] {
  const letters = join(directory, "dead-letters", sink);
  if (!existsSync(letters)) return [];
  return readdirSync(letters).flatMap((name) =>
    readFileSync(join(letters, name), "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line): string => JSON.parse(line).record),
  );
}

export const DAMAGES = ["flip", "cut", "remove", "removeBoth", "garbage"] as const;
export type Damage = (typeof DAMAGES)[number];

/** Harms the journal as a bad disk or a bad hand does. `at`: where, in [0, 1). */
export function damage(directory: string, how: Damage, at: number): void {
  const path = join(directory, JOURNAL);
  if (!existsSync(path)) return;
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
