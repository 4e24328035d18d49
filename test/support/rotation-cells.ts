import { expect } from "vitest";
import { type Cells, RotationScenario } from "./rotation-scenario.ts";

/**
 * Six runs of an agent with ten ways of rotating each: 60 cells, which hold every pair of two factors' values.
 */
export const PAIRS: readonly Cells[] = [
  { agent: "running", sink: "up", include: "live" },
  { agent: "running", sink: "down", include: "all" },
  { agent: "stopped", sink: "up", include: "all" },
  { agent: "stopped", sink: "down", include: "live" },
  { agent: "killed", sink: "up", include: "live" },
  { agent: "killed", sink: "down", include: "all" },
];

/** The other half of the matrix. */
export const REST: readonly Cells[] = PAIRS.map((cells) => ({
  ...cells,
  include: cells.include === "live" ? "all" : "live",
}));

/**
 * Nothing is lost, nothing comes twice unless the agent was killed, and the order stands. Only what was deleted while
 * the agent was away may be missing; what it had seen of that, the ledger names to the byte. Returns the account of the sink.
 */
export async function expectWholeMatrix(cells: Cells): Promise<string> {
  const scenario = new RotationScenario(cells);
  const results = await scenario.run();
  const { delete: deleted, ...others } = Object.fromEntries(results);
  for (const [name, { lost, repeated, disordered, named }] of Object.entries(others)) {
    const isKilled = cells.agent === "killed";
    // What was delivered before the kill and not durable may come again, and nothing that was written after it.
    const tooLate = repeated.filter((number) => !isKilled || number >= (scenario.writtenAtStop.get(name) ?? 0));
    expect({ name, lost, tooLate, disordered, named }).toEqual({
      name,
      lost: [],
      tooLate: [],
      disordered: [],
      named: [],
    });
  }
  expectDeleted(cells, scenario, deleted);
  expect([scenario.exitCode, scenario.violations, scenario.strange]).toEqual([0, [], []]);
  return scenario.summary;
}

type Deleted = Awaited<ReturnType<RotationScenario["run"]>> extends ReadonlyMap<string, infer R> ? R : never;

function expectDeleted(cells: Cells, scenario: RotationScenario, result: Deleted | undefined): void {
  if (result === undefined) throw new Error("the matrix has no deletion");
  const { lost, disordered, named } = result;
  expect(disordered).toEqual([]);
  if (cells.agent === "running") {
    expect([lost, named, result.repeated]).toEqual([[], [], []]);
    return;
  }
  const from = cells.sink === "down" ? scenario.delivered.get("delete") : scenario.sizeAtStop.get("delete");
  const to = scenario.sizeAtStop.get("delete") ?? 0;
  // With the sink up all that was seen had been delivered; what was killed in between may have been seen in part.
  if (cells.sink === "up") expect(named.every(([start, end]) => start <= end && end <= to)).toBe(true);
  else expect(named).toEqual([[from, to]]);
  // Nothing that was written after the agent came back is missing, and nothing that had been delivered before.
  expect(lost.filter((number) => number < 20 || number >= (scenario.writtenAtStop.get("delete") ?? 0))).toEqual([]);
}
