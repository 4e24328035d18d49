/** A user that owns nothing. */
const NOBODY = 65_534;

/** Runs with the rights of a user who owns nothing, for root may read everything. Only the effective user is changed. */
export async function withoutRights<Result>(run: () => Promise<Result>): Promise<Result> {
  const user = process.geteuid?.();
  if (user !== 0) return run();
  process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    process.seteuid?.(user);
  }
}

/** A command that runs the rest of its arguments so that the modes of files hold for it, if it is root too. */
export const BOUND_BY_MODES: readonly string[] =
  process.getuid?.() === 0
    ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    : [];

/** Runs with the rights that were dropped, if any were. */
export function withFullRights<Result>(run: () => Result): Result {
  const user = process.geteuid?.();
  if (user === undefined || user === process.getuid?.()) return run();
  process.seteuid?.(process.getuid?.() ?? user);
  try {
    return run();
  } finally {
    process.seteuid?.(user);
  }
}
