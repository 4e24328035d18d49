import type { LogRecord } from "../../core/record.ts";
import { eachIndex, type Finder } from "./finder.ts";

/** Escaped, any character of ASCII begins so, whatever the level. */
const ESCAPE = "\\u00";

/**
 * The indices of the records that may hold a secret, in order. Records that stand on one page are looked through together,
 * without a string for each: most hold no secret, and cost next to nothing then.
 */
export function candidates(records: readonly LogRecord[], finders: readonly Finder[]): readonly number[] {
  const found = new Set<number>();
  const page = records.find((record) => record.page !== undefined)?.page;
  if (page !== undefined) {
    const text = page.bytes.toString("latin1");
    const search = (mark: (at: number) => void): void => {
      for (const finder of finders) finder.candidates(text, mark);
      eachIndex(text, ESCAPE, mark);
    };
    const standing = records.flatMap((record, index) => (record.page === page ? [index] : []));
    search((at) => {
      const index = indexAt(records, standing, page.base + at);
      if (index !== undefined) found.add(index);
    });
  }
  for (const [index, record] of records.entries()) {
    if (record.page === page && page !== undefined) continue;
    const text = record.body;
    const mark = (): void => void found.add(index);
    for (const finder of finders) finder.candidates(text, mark);
    eachIndex(text, ESCAPE, mark);
  }
  return [...found].sort((a, b) => a - b);
}

/** The index of the record on the page that an offset in the file belongs to. */
function indexAt(records: readonly LogRecord[], standing: readonly number[], offset: number): number | undefined {
  let low = 0;
  let high = standing.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((records[standing[middle] ?? 0]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return standing[low];
}
