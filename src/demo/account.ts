import type { Tally } from "./sequence.ts";

/** The agent's own account of one sink. */
export interface SinkAccount {
  readonly totalBytes: number;
  readonly deliveredBytes: number;
  readonly filteredBytes: number;
  readonly deadLetteredBytes: number;
  readonly lostBytes: number;
  readonly skippedBytes: number;
  readonly pendingBytes: number;
  readonly deliveredRecords: number;
}

export interface Evidence {
  /** What the application wrote. */
  readonly lines: number;
  readonly bytes: number;
  /** Requests that the intake had to refuse. */
  readonly refusals: number;
  readonly sinks: readonly { readonly name: string; readonly account: SinkAccount; readonly tally: Tally }[];
}

/** The parts that make up the total, in the order of the table. */
const PARTS = ["delivered", "filtered", "deadLettered", "lost", "skipped", "pending"] as const;

const NAME_WIDTH = 19;
const COLUMN_WIDTH = 13;

const count = (value: number): string => value.toLocaleString("en-US");

const sumOfParts = (account: SinkAccount): number => PARTS.reduce((sum, part) => sum + account[`${part}Bytes`], 0);

const row = (name: string, cells: readonly string[]): string =>
  `${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join("")}`;

/** The account as a table, a column for each sink. At most 80 columns wide. */
export function accountTable({ sinks }: Evidence): string {
  const numbers = (name: string, value: (account: SinkAccount) => number): string =>
    row(
      name,
      sinks.map(({ account }) => count(value(account))),
    );
  return [
    row(
      "account in bytes",
      sinks.map(({ name }) => name),
    ),
    ...PARTS.map((part, index) => numbers(`${index === 0 ? " " : "+"} ${part}`, (account) => account[`${part}Bytes`])),
    numbers("= read from files", (account) => account.totalBytes),
    numbers("records delivered", (account) => account.deliveredRecords),
  ].join("\n");
}

/** What the receivers found by the records' own numbers, which the agent knows nothing of. */
export function independentCheck({ lines, bytes, sinks }: Evidence): string {
  const written = `${count(lines)} lines (${count(bytes)} bytes) written by the application`;
  const received = sinks.map(({ name, tally: { sequences } }) => {
    const missing = lines - sequences.count;
    return `${count(sequences.count)} received by ${name} (${count(sequences.duplicates)} duplicates, ${count(missing)} missing)`;
  });
  return [written, ...received].join("\n");
}

/** What does not add up, in sentences; none if everything does. */
export function findFaults(evidence: Evidence): readonly string[] {
  const faults = evidence.sinks.flatMap(({ name, account, tally }) => {
    const { sequences, unnumbered } = tally;
    const claims: readonly (readonly [what: string, found: number, expected: number])[] = [
      ["sum of the parts, in bytes", sumOfParts(account), account.totalBytes],
      ["bytes read", account.totalBytes, evidence.bytes],
      ["bytes pending", account.pendingBytes, 0],
      ["records delivered", account.deliveredRecords, evidence.lines],
      ["lines received", sequences.count, evidence.lines],
      ["lines received without a gap from the first", sequences.prefix, evidence.lines],
      ["records received that nobody wrote", unnumbered, 0],
    ];
    return claims
      .filter(([, found, expected]) => found !== expected)
      .map(([what, found, expected]) => `${name}: ${what}: ${count(found)}, expected ${count(expected)}`);
  });
  if (evidence.refusals > 0) faults.push(`the intake had to refuse ${count(evidence.refusals)} requests`);
  return faults;
}

/** The same after a stop before everything was delivered: what is pending is owed, but the bytes must add up. */
export function findImbalance({ sinks }: Evidence): readonly string[] {
  return sinks
    .filter(({ account }) => sumOfParts(account) !== account.totalBytes)
    .map(({ name }) => `${name}: the parts of the account do not make up the total`);
}
