import { resolve } from "node:path";
import { loadState } from "../checkpoint/load-state.ts";
import { formatProblem } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import type { LossCheckpoint } from "../core/checkpoint.ts";
import { EXIT, UserError } from "../core/errors.ts";
import { deadLettersOf } from "../create-sink.ts";
import { bytesOf } from "../pipeline/counters.ts";
import { listNames, measureSegments } from "../pipeline/dead-letter-segments.ts";
import { durableAccount, type DurableAccount } from "../pipeline/ledger.ts";
import { describeAccount } from "../telemetry/describe.ts";
import type { CommandIo } from "./io.ts";

export interface AuditOptions {
  /** The configuration file, or else the state directory itself, which takes no secrets. */
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly json: boolean;
}

interface SinkAudit {
  readonly name: string;
  /** Whether the configuration still has it, if that is known. */
  readonly configured: boolean | undefined;
  readonly account: DurableAccount;
  /** Bytes on disk of the dead letters that wait for a replay. */
  readonly deadLetterFileBytes: number;
}

interface Audit {
  readonly stateDir: string;
  /** Whether nothing was lost and every account balances. */
  readonly ok: boolean;
  readonly sinks: readonly SinkAudit[];
  readonly losses: readonly LossCheckpoint[];
  /** Lines of the journal that can't be read. They cost duplicates. */
  readonly damagedLines: readonly number[];
}

/**
 * Reads the accounts of a state directory, also beside a running agent, and changes nothing. Resolves to the exit code: 1
 * if anything was lost or an account does not balance.
 */
export async function auditCommand({ config: file, stateDir, json }: AuditOptions, io: CommandIo): Promise<number> {
  if ((file === undefined) === (stateDir === undefined))
    throw new UserError("name what to audit with -c or --state-dir: one of them", EXIT.usage);
  const loaded = file === undefined ? undefined : readConfig(file, io);
  if (loaded?.ok === false) {
    for (const problem of loaded.problems) io.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT.config;
  }
  const { config } = loaded ?? {};
  const audit = await auditState(config?.stateDir ?? resolve(io.cwd, stateDir ?? ""), config?.sinks);
  io.stdout.write(json ? `${JSON.stringify(toJson(audit), undefined, 2)}\n` : toText(audit));
  return audit.ok ? EXIT.done : EXIT.failed;
}

async function auditState(stateDir: string, configured: Config["sinks"] | undefined): Promise<Audit> {
  const { state, current, damagedLines } = await loadState(stateDir);
  if (current === undefined && damagedLines.length === 0)
    throw new UserError(`there are no checkpoints in ${stateDir}`);
  const names = new Set([...Object.keys(configured ?? {}), ...state.cursors.keys(), ...state.totals.keys()]);
  const sinks = await Promise.all(
    [...names].map(async (name) => ({
      name,
      configured: configured && configured[name] !== undefined,
      account: durableAccount(name, state),
      deadLetterFileBytes: await waitingBytes(name, stateDir),
    })),
  );
  const ok = sinks.every(({ account }) => {
    return account.lostBytes === 0 && account.imbalanceBytes === 0 && account.unbalanced.length === 0;
  });
  // A last line that is being written at this moment is no damage.
  const torn = current?.isTorn === true ? 1 : 0;
  const damaged = damagedLines.slice(0, damagedLines.length - torn);
  return { stateDir, ok: ok && state.losses.length === 0, sinks, losses: state.losses, damagedLines: damaged };
}

async function waitingBytes(name: string, stateDir: string): Promise<number> {
  const directory = deadLettersOf(name, { stateDir });
  return (await listNames(directory)).length === 0 ? 0 : measureSegments(directory);
}

const timeOf = ({ at }: LossCheckpoint): string => new Date(at).toISOString();

const toJson = ({ losses, ...audit }: Audit): unknown => ({
  ...audit,
  losses: losses.map((loss) => ({
    sink: loss.sink,
    path: loss.path,
    generation: loss.file,
    from: loss.from,
    to: loss.to,
    bytes: bytesOf(loss),
    reason: loss.reason,
    time: timeOf(loss),
    rolledUp: loss.rolledUp,
  })),
});

function toText({ stateDir, ok, sinks, losses, damagedLines }: Audit): string {
  const lines = [`state directory ${stateDir}`];
  for (const { name, configured, account, deadLetterFileBytes } of sinks) {
    lines.push(describeAccount(name, { ...account, unbalanced: account.unbalanced.length }));
    if (configured === false) lines.push(`  ${name} is no longer configured`);
    for (const { path, bytes } of account.unbalanced) lines.push(`  ${path} is off by ${bytes} bytes`);
    if (deadLetterFileBytes > 0)
      lines.push(`  dead letters that wait for tailcar replay: ${deadLetterFileBytes} bytes on disk`);
  }
  for (const loss of losses) lines.push(describeLoss(loss));
  if (damagedLines.length > 0)
    lines.push(`damaged lines of the journal: ${damagedLines.join(", ")}; they cost duplicates, not data`);
  lines.push(ok ? "nothing was lost, and every account balances" : "NOT ok: something was lost, or does not balance");
  // Paths come from the untrusted volume: what they hold must not move a terminal's cursor or begin a line.
  return lines.map((line) => `${line.replaceAll(/\p{Cc}/gu, "\u{fffd}")}\n`).join("");
}

function describeLoss(loss: LossCheckpoint): string {
  const { sink, path, file, from, to, reason, rolledUp } = loss;
  if (rolledUp !== undefined)
    return `lost for ${sink}: ${bytesOf(loss)} bytes in ${rolledUp} older losses, the last one at ${timeOf(loss)}`;
  const part = bytesOf(loss) === to - from ? "" : ` (${bytesOf(loss)} of them)`;
  return `lost for ${sink}: bytes ${from} to ${to}${part} of ${path}, generation ${file}: ${reason}; at ${timeOf(loss)}`;
}
