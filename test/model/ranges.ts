export type Range = readonly [from: number, to: number];

/** A set of byte offsets, kept as disjoint ranges in order. */
export class Ranges {
  #ranges: Range[] = [];

  get all(): readonly Range[] {
    return this.#ranges;
  }

  get bytes(): number {
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const apart = this.#ranges.filter(([start, end]) => end < from || start > to);
    const joined = this.#ranges.filter(([start, end]) => end >= from && start <= to);
    const merged: Range = [
      Math.min(from, ...joined.map(([start]) => start)),
      Math.max(to, ...joined.map(([, end]) => end)),
    ];
    this.#ranges = [...apart, merged].sort(([a], [b]) => a - b);
  }

  remove(from: number, to: number): void {
    this.#ranges = this.#ranges.flatMap(([start, end]): Range[] => {
      const rest: Range[] = [
        [start, Math.min(end, from)],
        [Math.max(start, to), end],
      ];
      return rest.filter(([a, b]) => a < b);
    });
  }

  overlaps(from: number, to: number): boolean {
    return this.#ranges.some(([start, end]) => start < to && end > from);
  }

  covers(from: number, to: number): boolean {
    return from >= to || this.#ranges.some(([start, end]) => start <= from && end >= to);
  }

  /** What of these bytes is not in the set. */
  missing(from: number, to: number): Range[] {
    const gaps: Range[] = [];
    let at = from;
    for (const [start, end] of this.#ranges) {
      if (start >= to) break;
      if (start > at) gaps.push([at, start]);
      at = Math.max(at, end);
    }
    if (at < to) gaps.push([at, to]);
    return gaps;
  }

  /** Bytes that are in both sets. */
  bytesIn(other: Ranges): number {
    return this.#ranges.reduce(
      (sum, [from, to]) => sum + (to - from) - other.missing(from, to).reduce((gap, [a, b]) => gap + b - a, 0),
      0,
    );
  }

  /** Forgets what stands at `offset` and after it. */
  cutAt(offset: number): void {
    this.#ranges = this.#ranges.flatMap(([from, to]): Range[] =>
      from >= offset ? [] : [[from, Math.min(to, offset)]],
    );
  }
}
