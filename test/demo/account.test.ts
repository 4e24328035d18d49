import { describe, expect, test } from "vitest";
import { accountTable, type Evidence, findFaults, findImbalance, independentCheck } from "../../src/demo/account.ts";
import { introduction } from "../../src/demo/introduction.ts";
import { Tally } from "../../src/demo/sequence.ts";

const ACCOUNT = {
  totalBytes: 30,
  deliveredBytes: 30,
  filteredBytes: 0,
  deadLetteredBytes: 0,
  lostBytes: 0,
  skippedBytes: 0,
  pendingBytes: 0,
  deliveredRecords: 3,
};

const tallyOf = (...sequences: readonly number[]): Tally => {
  const tally = new Tally();
  for (const seq of sequences) tally.add({ seq });
  return tally;
};

const evidence = (account: Partial<typeof ACCOUNT>, tally = tallyOf(0, 1, 2)): Evidence => ({
  lines: 3,
  bytes: 30,
  refusals: 0,
  sinks: [{ name: "splunk", account: { ...ACCOUNT, ...account }, tally }],
});

describe("the check at the end", () => {
  test.each<[what: string, found: Evidence, expected: readonly string[]]>([
    ["all is well", evidence({}), []],
    ["a duplicate is no fault", evidence({}, tallyOf(0, 1, 2, 2)), []],
    ["a part is wrong", evidence({ deliveredBytes: 29 }), ["splunk: sum of the parts, in bytes: 29, expected 30"]],
    ["bytes were not seen", evidence({ deliveredBytes: 20, totalBytes: 20 }), ["splunk: bytes read: 20, expected 30"]],
    [
      "bytes are pending",
      evidence({ deliveredBytes: 20, pendingBytes: 10 }),
      ["splunk: bytes pending: 10, expected 0"],
    ],
    [
      "a line did not arrive",
      evidence({}, tallyOf(0, 2)),
      ["splunk: lines received: 2, expected 3", "splunk: lines received without a gap from the first: 1, expected 3"],
    ],
    ["the intake refused", { ...evidence({}), refusals: 2 }, ["the intake had to refuse 2 requests"]],
  ])("%s", (_, found, expected) => expect(findFaults(found)).toEqual(expected));

  test("what is pending after a second signal is owed, not wrong", () => {
    expect(findImbalance(evidence({ deliveredBytes: 20, pendingBytes: 10 }))).toEqual([]);
    expect(findImbalance(evidence({ pendingBytes: 10 }))).toHaveLength(1);
  });

  test("fits 80 columns", () => {
    const { sinks } = evidence({ deliveredBytes: 9_999_999_999, totalBytes: 9_999_999_999 });
    const three = { ...evidence({}), sinks: [...sinks, ...sinks, ...sinks] };
    const lines = `${accountTable(three)}\n${independentCheck(three)}\n${introduction("/tmp/tailcar-demo-abcdef", 65_535)}`;
    for (const line of lines.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
