/** Sources of patterns in RE2 syntax by which lines are joined to records. */
export interface MultilinePatterns {
  /** A line that matches begins a record. */
  readonly start?: string | undefined;
  /** A line that matches belongs to the one before. */
  readonly continue?: string | undefined;
  /** A line that matches ends its record. */
  readonly end?: string | undefined;
  /** A line that matches goes on in the next one. */
  readonly continued?: string | undefined;
}

/** How lines are joined to records: `none`, `auto`, the name of a language, or by patterns. */
export type MultilineSetting = string | MultilinePatterns;
