import type { Run } from "./runs.ts";
import type { Unconfirmed } from "./shipment.ts";

/**
 * Waits until it is known of all whether they are safe. Resolves with those that are not and have to be sent again; with
 * undefined if `signal` aborts first.
 */
export async function unsafeOf(
  unconfirmed: readonly Unconfirmed[],
  signal: AbortSignal,
): Promise<readonly Run[] | undefined> {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<undefined>();
  const abort = (): void => aborted.resolve(undefined);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const all = Promise.all(unconfirmed.map(({ settled }) => settled));
    const safe = await Promise.race([all, aborted.promise]);
    return safe === undefined ? undefined : unconfirmed.filter((_, index) => safe[index] !== true);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
