/** How another shipper is told to join lines, in its own options. */
export interface PeerOptions {
  readonly dialect: string;
  readonly start?: string;
  readonly condition?: string;
  readonly mode?: string;
  readonly type?: string;
  readonly pattern?: string;
  readonly negate?: boolean;
  readonly match?: string;
  readonly flush_pattern?: string;
  readonly continue?: string;
  readonly end?: string;
}

/** Options of ours that mean the same. */
export interface Patterns {
  readonly start?: string;
  readonly continue?: string;
  readonly end?: string;
  readonly continued?: string;
}

/** Throws for what we have no options for, so that no case passes for something else. */
export function patternsOf(options: PeerOptions): Patterns {
  if (options.dialect === "vector") return ofVector(options);
  if (options.dialect === "beats") return ofBeats(options);
  const { start, continue: next, end } = options;
  if (end !== undefined) return { end };
  if (start === undefined) throw new Error(`no pattern in ${JSON.stringify(options)}`);
  return next === undefined ? { start } : { start, continue: next };
}

function ofVector({ mode, start = "", condition = "" }: PeerOptions): Patterns {
  if (mode === "continue_past") return { continued: condition };
  if (mode === "halt_before") return { start: condition };
  if (mode === "halt_with") return { end: condition };
  if (mode === "continue_through") return { start, continue: condition };
  throw new Error(`no mode ${mode}`);
}

function ofBeats(options: PeerOptions): Patterns {
  const { type = "pattern", pattern = "", negate = false, match, flush_pattern: last } = options;
  if (type === "while_pattern" && !negate) return { start: pattern, continue: pattern };
  if (type !== "pattern") throw new Error(`no way to join like ${JSON.stringify(options)}`);
  if (match === "before") return negate ? { end: pattern } : { continued: pattern };
  if (negate) return last === undefined ? { start: pattern } : { start: pattern, end: last };
  if (last === undefined) return { continue: pattern };
  throw new Error(`no way to join like ${JSON.stringify(options)}`);
}
