import { type BigIntStats, stat } from "node:fs";

/** So many at a time: enough to keep the threads busy, and few enough that a look soon notices that it is to end. */
const BATCH = 64;

/**
 * The stats of paths, in their order; undefined where there are none to be had. With thousands of files this is most of
 * what an idle agent does, and the callbacks cost a third of what promises do.
 */
export async function* statAll(
  paths: Iterable<string>,
): AsyncGenerator<readonly [path: string, stats: BigIntStats | undefined]> {
  let batch: string[] = [];
  for (const path of paths) {
    batch.push(path);
    if (batch.length < BATCH) continue;
    yield* await statBatch(batch);
    batch = [];
  }
  if (batch.length > 0) yield* await statBatch(batch);
}

function statBatch(paths: readonly string[]): Promise<(readonly [string, BigIntStats | undefined])[]> {
  const { promise, resolve } = Promise.withResolvers<(readonly [string, BigIntStats | undefined])[]>();
  const found: (readonly [string, BigIntStats | undefined])[] = paths.map((path) => [path, undefined]);
  let pending = paths.length;
  paths.forEach((path, index) => {
    stat(path, { bigint: true }, (error, stats) => {
      // What is wrong with a path is found out, and told, by the look at it.
      if (error === null) found[index] = [path, stats];
      pending -= 1;
      if (pending === 0) resolve(found);
    });
  });
  return promise;
}
