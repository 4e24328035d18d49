import { closeSync, openSync, writeSync } from "node:fs";

/** Lines are made in pieces of about this many bytes. */
const PIECE_BYTES = 4 * 1_024 ** 2;

const LEVELS = [20, 30, 30, 30, 30, 30, 30, 40, 50];
const PATHS = ["/api/v1/orders", "/api/v1/orders/{id}/items", "/api/v1/users/me", "/healthz", "/checkout"];
const AGENTS = ["Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "okhttp/4.12.0"];

/** Numbers in [0, 1) from a seed (mulberry32): the same corpus in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(from: readonly T[], random: () => number): T | undefined => from[Math.floor(random() * from.length)];

function makeLine(timeMs: number, sequence: number, random: () => number): string {
  const path = pick(PATHS, random);
  return JSON.stringify({
    level: pick(LEVELS, random),
    time: timeMs,
    pid: 17,
    hostname: "checkout-7d9c5b",
    reqId: `req-${sequence.toString(36)}`,
    status: random() < 0.97 ? 200 : 503,
    durationMs: Math.round(random() * 9_000) / 10,
    msg: `served "${path}" to "${pick(AGENTS, random)}" (${Math.floor(random() * 65_536)} bytes)`,
  });
}

/**
 * Writes about `bytes` bytes of JSON lines as pino writes them, about 200 bytes each, with quotes to escape. Their times
 * end at `endMs` and begin within the last hour, so that no receiver takes them for late. Another `seed` makes other lines.
 * Returns the exact size in bytes.
 */
export function writeCorpus(path: string, bytes: number, endMs: number, seed = 1): number {
  const random = randomNumbers(seed);
  const file = openSync(path, "w");
  let size = 0;
  try {
    for (let sequence = 0; size < bytes;) {
      let piece = "";
      while (piece.length < Math.min(PIECE_BYTES, bytes - size)) {
        piece += `${makeLine(endMs - 3_600_000 + Math.min(sequence, 3_600_000), sequence, random)}\n`;
        sequence += 1;
      }
      size += writeSync(file, piece);
    }
  } finally {
    closeSync(file);
  }
  return size;
}
