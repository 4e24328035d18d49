/** The values in an order that is the same each time for a seed (Park and Miller's numbers). */
export function shuffled(values: readonly string[], seed: number): readonly string[] {
  let state = seed;
  const next = (): number => (state = (state * 16_807) % 2_147_483_647);
  return values
    .map((value) => [next(), value] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, value]) => value);
}
