/**
 * Lines of one stream, as rules of joining see them. Reading past the last line is noticed by whoever made this: what was
 * decided after that may be decided otherwise once more lines are there.
 */
export interface Lines {
  /** The beginning of a line's text, at most `MAX_TEXT` units; undefined where no line stands that could be joined. */
  text(index: number): string | undefined;
}

/** Lines are told apart by how they begin; no rule looks at more of them, so that no line can take long. In UTF-16 units. */
export const MAX_TEXT = 2_048;

/**
 * How many lines make up the record that begins at line `from`: 1 if nothing that follows belongs to it. Pure: what it
 * returns depends only on the lines it asked for, so that however the lines come in, the same records come out.
 */
export type Extent = (lines: Lines, from: number) => number;

export const matches = (lines: Lines, index: number, shape: RegExp): boolean => {
  const text = lines.text(index);
  return text !== undefined && shape.test(text);
};

/** The index after the lines from `index` on that have a shape. */
export function skip(lines: Lines, index: number, shape: RegExp): number {
  let next = index;
  while (matches(lines, next, shape)) next += 1;
  return next;
}
