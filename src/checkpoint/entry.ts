import { crc32 } from "node:zlib";
import type { CheckpointChange } from "../core/checkpoint.ts";

/**
 * The journal is a text file of lines `CRC SP JSON LF`. CRC is the CRC-32 of the JSON bytes, eight hex digits; the JSON
 * is an array of changes, and the line is the unit of durability: a crash leaves all of its changes or none.
 * The first line holds the header instead, and after it comes the snapshot. bigints are written as decimal strings.
 */
export const FORMAT_VERSION = 1;

interface Header {
  readonly journal: "tailcar";
  readonly version: number;
  /** Lines of the snapshot that follows. */
  readonly snapshotLines: number;
}

type Line =
  | { readonly kind: "header"; readonly snapshotLines: number }
  | { readonly kind: "entry"; readonly changes: readonly CheckpointChange[] }
  | { readonly kind: "damaged" };

function seal(json: string): string {
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

export function encodeHeader(snapshotLines: number): string {
  const header: Header = { journal: "tailcar", version: FORMAT_VERSION, snapshotLines };
  return seal(JSON.stringify(header));
}

export function encodeEntry(changes: readonly CheckpointChange[]): string {
  return seal(JSON.stringify(changes, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
}

/** Reads one line without its line feed. A line of another version counts as damaged: what it means is unknown. */
export function decodeLine(line: string): Line {
  const json = line.slice(9);
  if (line[8] !== " " || json === "" || crc32(json) !== Number.parseInt(line.slice(0, 8), 16))
    return { kind: "damaged" };
  const value: Header | CheckpointChange[] = JSON.parse(json, revive);
  if (Array.isArray(value)) return { kind: "entry", changes: value };
  return value.version === FORMAT_VERSION
    ? { kind: "header", snapshotLines: value.snapshotLines }
    : { kind: "damaged" };
}

/** The keys that hold 64-bit numbers. */
const BIGINTS = new Set(["device", "inode", "birthtimeNs", "born"]);

/** The CRC has proved that we wrote this text ourselves, so what stands under these keys is a decimal string. */
function revive(key: string, value: unknown): unknown {
  return BIGINTS.has(key) && typeof value === "string" ? BigInt(value) : value;
}
