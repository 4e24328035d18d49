#!/usr/bin/env node
import type { Writable } from "node:stream";
import { Command, CommanderError, Option } from "commander";
import { Interruption, STOP_SIGNALS } from "./commands/interruption.ts";
import type { AuditOptions } from "./commands/audit.ts";
import type { CommandIo } from "./commands/io.ts";
import { ReloadWish } from "./commands/reload-wish.ts";
import type { RunOptions } from "./commands/run.ts";
import { systemClock } from "./core/clock.ts";
import { EXIT, UserError } from "./core/errors.ts";
import { VERSION } from "./core/version.ts";

/**
 * Threads for compression, file reads and host name look-ups: at least 4 and one for each sink, so that a name server that
 * never answers one of them holds up no other. libuv reads it once, at the first work it gets, so it comes before any.
 */
process.env["UV_THREADPOOL_SIZE"] ??= "16";

/** Loading the code takes longest of all at the start, so each command loads its own, and only when it is asked for. */
async function commandIo(): Promise<CommandIo> {
  const { sinkDefinitions } = await import("./sinks/registry.ts");
  const { openStandardInput } = await import("./standard-input.ts");
  const { stdout, stderr, env } = process;
  // Asked for only where it is read: to touch it is to open it.
  return { stdin: openStandardInput, stdout, stderr, env, cwd: process.cwd(), sinks: sinkDefinitions };
}

/** Where the agent writes. It waits for no terminal: one that was stopped must not stop the shipping. */
const outputs: { stdout: Writable; stderr: Writable } = { stdout: process.stdout, stderr: process.stderr };

async function agentIo(): Promise<CommandIo> {
  const { TerminalStream } = await import("./telemetry/terminal.ts");
  if (process.stdout.isTTY) outputs.stdout = TerminalStream.open(1, systemClock) ?? outputs.stdout;
  if (process.stderr.isTTY) outputs.stderr = TerminalStream.open(2, systemClock) ?? outputs.stderr;
  return { ...(await commandIo()), ...outputs };
}

const MAX_FLUSH_MS = 2_000;

const DEMO_PARTS = `
The parts of the demo can run as processes of their own, as docker-compose.yml has them:
  tailcar demo-app --dir <directory> [--rate <number>]
  tailcar demo-intake --listen <host:port>`;

const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [...earlier, value];

function program(done: (exitCode: number) => void): Command {
  const root = new Command("tailcar")
    .description("Follows log files and ships every record to Datadog, Splunk HEC and stdout.")
    .version(VERSION)
    .showSuggestionAfterError()
    .showHelpAfterError("Run tailcar --help, or tailcar <command> --help, for what there is.")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "tailcar:")) })
    .exitOverride();

  root
    .command("run")
    .description("follow the files and ship until SIGTERM or SIGINT")
    .option("-c, --config <file>", "configuration file")
    .addOption(
      new Option("--on-config-error <what>", "exit, or wait until the configuration file is valid")
        .choices(["exit", "wait"])
        .default("exit"),
    )
    .option("--once", "read to the end of what is there, then exit")
    .option("--listen <host:port>", "where to serve health and metrics; overrides server.listen of the file")
    .optionsGroup("Instead of a configuration file:")
    .option("--include <glob>", "files to follow (repeatable)", collect)
    .option("--stdin", "read standard input, and end with it")
    .option("--sink <type>", "where to ship to (repeatable): datadog, splunkHec, stdout", collect)
    .option("--state-dir <directory>", "where the checkpoints are kept, /var/lib/tailcar if not given")
    .option("--format <format>", "auto, raw, json, logfmt, nginx, apache, syslog, klog, cri, docker")
    .option("--start-at <place>", "where to begin in files that are there already: beginning, end")
    .action(async (given: Partial<RunOptions>) => {
      const options: RunOptions = { once: false, onConfigError: "exit", include: [], sink: [], ...given };
      const reloads = options.config !== undefined && !options.once;
      // Where there is nothing to read again, a terminal that hangs up is a wish to stop, and no reason to die undrained.
      using interruption = new Interruption(process, systemClock, reloads ? STOP_SIGNALS : [...STOP_SIGNALS, "SIGHUP"]);
      using wish = reloads ? new ReloadWish(process) : undefined;
      const { runCommand } = await import("./commands/run.ts");
      done(await runCommand(options, await agentIo(), interruption, wish));
    });

  root
    .command("check")
    .description("check a configuration file and show what it means")
    .requiredOption("-c, --config <file>", "configuration file")
    .action(async (options: { config: string }) => {
      const { checkCommand } = await import("./commands/check.ts");
      done(await checkCommand(options, await commandIo()));
    });

  root
    .command("replay")
    .description("send dead letters again, beside a running agent or without one")
    .argument("[file]", "a closed segment; without it all that wait in the state directory")
    .requiredOption("-c, --config <file>", "configuration file")
    .option("--sink <name>", "only those of this sink; with a file the sink to send them to")
    .action(async (file: string | undefined, options: { config: string; sink?: string }) => {
      using interruption = new Interruption(process, systemClock);
      const { replayCommand } = await import("./commands/replay.ts");
      done(await replayCommand(file, options, await commandIo(), interruption));
    });

  root
    .command("audit")
    .description("read the accounts of the state directory, also beside a running agent; 1 if anything was lost")
    .option("-c, --config <file>", "configuration file")
    .option("--state-dir <directory>", "the state directory, instead of a configuration file and its secrets")
    .option("--json", "print JSON", false)
    .action(async (options: AuditOptions) => {
      const { auditCommand } = await import("./commands/audit.ts");
      done(await auditCommand(options, await commandIo()));
    });

  root
    .command("health")
    .description("ask a running agent for its health; 1 if it stands still or does not answer")
    .argument("[url]", "where server.listen has it", "http://127.0.0.1:9600/livez")
    .action(async (url: string) => {
      const { healthCommand } = await import("./commands/health.ts");
      done(await healthCommand(url, process));
    });

  root
    .command("schema")
    .description("print the JSON Schema of the configuration")
    .action(async () => {
      const { schemaCommand } = await import("./commands/schema.ts");
      done(await schemaCommand(await commandIo()));
    });

  root
    .command("demo")
    .description("run the agent between an application and an intake of its own, then check the account")
    .option("--seconds <number>", "end by itself after this time")
    .addHelpText("after", DEMO_PARTS)
    .action(async (options: { seconds?: string }) => {
      using interruption = new Interruption(process, systemClock);
      const { demoCommand } = await import("./commands/demo.ts");
      done(await demoCommand(options, await commandIo(), interruption));
    });

  root
    .command("demo-app", { hidden: true })
    .description("the demo's application alone: writes and rotates log files until SIGTERM or SIGINT")
    .requiredOption("--dir <directory>", "where to write app.log and access.log")
    .option("--rate <number>", "lines a second", "50")
    .action(async (options: { dir: string; rate: string }) => {
      const { demoApplicationCommand } = await import("./commands/demo-parts.ts");
      done(await demoApplicationCommand(options, await commandIo()));
    });

  root
    .command("demo-intake", { hidden: true })
    .description("the demo's intake alone: takes what is shipped to Datadog and Splunk HEC, and prints totals")
    .option("--listen <host:port>", "where to listen", "127.0.0.1:8088")
    .action(async (options: { listen: string }) => {
      const { demoIntakeCommand } = await import("./commands/demo-parts.ts");
      done(await demoIntakeCommand(options, await commandIo()));
    });

  return root;
}

/** As `engines` in package.json says. */
function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 12);
}

/** The exit code, whatever happened. What a user can mend is told in a sentence, a bug with its stack. */
async function main(): Promise<number> {
  if (!isSupported(process.versions.node)) {
    process.stderr.write(`tailcar: needs Node.js 24.12 or newer, and this is ${process.versions.node}\n`);
    return EXIT.failed;
  }
  let exitCode: number = EXIT.done;
  try {
    await program((code) => (exitCode = code)).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    process.stderr.write(`tailcar: ${error instanceof UserError ? error.message : describeBug(error)}\n`);
    return error instanceof UserError ? error.exitCode : EXIT.failed;
  }
  return exitCode;
}

const describeBug = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

const exitCode = await main();
// What was written may still be on its way into a pipe; an exit before that would cut it off.
outputs.stderr.write("", () => outputs.stdout.write("", () => process.exit(exitCode)));
// Unless nobody reads there.
setTimeout(() => process.exit(exitCode), MAX_FLUSH_MS);
