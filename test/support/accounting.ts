/** A stretch of time in milliseconds on the clock that `see` was given. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Lines written, by the name of their file: the truth a sink is held against. */
export type Written = Readonly<Record<string, number>>;

interface Ledger {
  /** Time of the first sighting of each number, plus 1 so that 0 means never; index is the number. */
  firstSeen: Float64Array;
  last: number;
  highest: number;
}

const MAX_LISTED = 1_000;

/**
 * What one sink received of numbered lines: which numbers of which file, when for the first time, how often again and in
 * what order. Numbers count from 0 within a file. 8 bytes a line.
 */
export class Account {
  readonly #files = new Map<string, Ledger>();
  /** Sightings of a line that had been seen before. */
  duplicates = 0;
  /** New lines that followed one of the same file with a higher number. Bounded. */
  readonly disorders: string[] = [];
  seen = 0;
  readonly #repeats: { file: string; seq: number; first: number; again: number }[] = [];

  /** Tells of one line. `at`: milliseconds, on whatever clock the windows of `repeatsOutside` use. */
  see(file: string, seq: number, at: number): void {
    const ledger = this.#ledger(file, seq);
    const first = ledger.firstSeen[seq] ?? 0;
    if (first !== 0) {
      this.duplicates += 1;
      this.#repeats.push({ file, seq, first: first - 1, again: at });
    } else {
      ledger.firstSeen[seq] = at + 1;
      this.seen += 1;
      if (seq < ledger.last && this.disorders.length < MAX_LISTED) {
        this.disorders.push(`${file}: ${seq} after ${ledger.last} at ${at.toFixed(0)}`);
      }
    }
    ledger.last = seq;
    ledger.highest = Math.max(ledger.highest, seq);
  }

  /** Tells of a line of `log-writer.ts`, which may stand inside other text. Throws when there is none. */
  seeText(text: string, at = 0): void {
    const line = numberedLine(text);
    if (line === undefined) throw new Error(`not a line of the writer: ${text}`);
    this.see(line.file, line.seq, at);
  }

  /** Forgets what stood last in each file: a new run may begin again at an older line. */
  startRun(): void {
    for (const ledger of this.#files.values()) ledger.last = -1;
  }

  /** Files of which at least one line was seen. */
  get files(): number {
    return this.#files.size;
  }

  #ledger(file: string, seq: number): Ledger {
    if (!Number.isSafeInteger(seq) || seq < 0) throw new RangeError(`not a sequence number: ${seq}`);
    let ledger = this.#files.get(file);
    if (ledger === undefined) {
      ledger = { firstSeen: new Float64Array(1_024), last: -1, highest: -1 };
      this.#files.set(file, ledger);
    }
    if (seq >= ledger.firstSeen.length) {
      const grown = new Float64Array(Math.max(seq + 1, ledger.firstSeen.length * 2));
      grown.set(ledger.firstSeen);
      ledger.firstSeen = grown;
    }
    return ledger;
  }

  /** Lines that were written and never seen, as `file: from-to`; lines seen that nobody wrote come as `file: n was never written`. */
  faults(written: Written): string[] {
    const found: string[] = [];
    for (const [file, ledger] of this.#files) {
      if (ledger.highest >= (written[file] ?? 0)) found.push(`${file}: ${ledger.highest} was never written`);
    }
    for (const [file, count] of Object.entries(written)) {
      const firstSeen = this.#files.get(file)?.firstSeen ?? new Float64Array(0);
      for (let seq = 0; seq < count && found.length < MAX_LISTED; seq += 1) {
        if ((firstSeen[seq] ?? 0) !== 0) continue;
        const from = seq;
        while (seq + 1 < count && (firstSeen[seq + 1] ?? 0) === 0) seq += 1;
        found.push(`${file}: ${from}-${seq} lost`);
      }
    }
    return found;
  }

  isComplete(written: Written): boolean {
    const total = Object.values(written).reduce((sum, count) => sum + count, 0);
    return this.seen >= total && this.faults(written).length === 0;
  }

  /** Lines seen twice although their first sighting lies in none of the windows. */
  repeatsOutside(windows: readonly Window[]): string[] {
    const isAllowed = (first: number): boolean => windows.some(({ from, to }) => first >= from && first <= to);
    return this.#repeats
      .filter(({ first }) => !isAllowed(first))
      .slice(0, MAX_LISTED)
      .map(({ file, seq, first, again }) => `${file}: ${seq} seen at ${first.toFixed(0)} and at ${again.toFixed(0)}`);
  }
}

export interface NumberedLine {
  readonly file: string;
  readonly seq: number;
}

/** The file and the number of a line of `log-writer.ts`, or undefined for any other text. */
export function numberedLine(text: string): NumberedLine | undefined {
  const match = /"file":"([^"]+)","seq":(\d+)[,}]/.exec(text);
  return match?.[1] === undefined ? undefined : { file: match[1], seq: Number(match[2]) };
}
