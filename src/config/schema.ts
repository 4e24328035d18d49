/*
 * A long file: the whole of the configuration's shape and documentation in one place.
 */
import { z } from "zod";
import { parseAddress } from "../core/address.ts";
import { CONTAINER_NAMES, FORMAT_NAMES } from "../core/format.ts";
import { duration, size } from "../core/options.ts";
import { pattern as linearPattern } from "../core/pattern.ts";
import { timeFormat } from "../core/time-format.ts";
import { timeZone } from "../core/time-zone.ts";
import type { SinkDefinition } from "../core/sink-definition.ts";
import { transformsSchema } from "../transforms/config.ts";

/** Where cursors, counters and dead letters are kept when neither file nor flag says so. */
export const DEFAULT_STATE_DIR = "/var/lib/tailcar";

const text = () => z.string().min(1);

/** Sources and sinks are named in metrics, checkpoints and file names. */
const name = () =>
  z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      'not a usable name: at most 63 letters, digits, ".", "_" and "-", and a letter or digit first',
    );

const pattern = () =>
  text()
    .refine((glob) => !glob.startsWith("!"), 'a pattern cannot be negated; list it under "exclude" without the "!"')
    .refine((glob) => !glob.endsWith("/"), "names a directory; name files, like /var/log/app/*.log");

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== "";
  } catch {
    return false;
  }
}

/** A duration or size with a lower bound, which is worded in the unit that the user writes. */
const atLeast = (quantity: ReturnType<typeof duration>, minimum: number, words: string) =>
  quantity.refine((value) => value >= minimum, `must be at least ${words}`);

const named = <Value extends z.ZodType>(value: Value, description: string) =>
  z
    .record(name(), value)
    .refine((entries) => Object.keys(entries).length > 0, "needs at least one entry")
    .meta({ description, minProperties: 1 });

/** Formats with options: one of them. */
const ownFormat = z
  .strictObject({
    csv: z
      .strictObject({
        columns: z
          .array(text())
          .min(1)
          .refine((columns) => new Set(columns).size === columns.length, "names a column twice")
          .describe("Names of the values of a line, in their order."),
        delimiter: z
          .string()
          .refine(
            (delimiter) => delimiter.length === 1 && delimiter !== '"',
            "expected one character other than a quote",
          )
          .default(",")
          .describe("The character between two values."),
      })
      .optional()
      .describe("Values with a delimiter between them, quoted where they hold one."),
    regex: linearPattern().optional().describe("A pattern in RE2 syntax. Its named groups are the fields."),
  })
  .refine(({ csv, regex }) => (csv === undefined) !== (regex === undefined), "needs csv or regex, and not both");

const rotated = z
  .strictObject({
    grace: duration()
      .prefault("60s")
      .describe(
        "A rotated file is let go when every sink has it and it has not grown for this long; writers may go on writing to it until then.",
      ),
    dirs: z
      .array(text())
      .default([])
      .describe(
        "Directories that generations are moved to, as olddir of logrotate does. A relative one counts from the directory of the live file.",
      ),
    maxHeldBytes: size()
      .prefault("512MiB")
      .describe(
        "Deleted files that some sink has not got are held open up to this size together, for they take space that the application can't free.",
      ),
    policy: z
      .enum(["release", "hold"])
      .default("release")
      .describe(
        "release lets deleted files go past maxHeldBytes, or when the volume has under 10 % free: what is unread of them is lost, and said to be. hold never does.",
      ),
    delete: z
      .strictObject({
        after: duration().describe("How long after every sink has a rotated file it is deleted."),
      })
      .optional()
      .describe("Deletes rotated files that every sink has. Without it none is ever deleted."),
  })
  .prefault({})
  .describe("Files that were renamed, replaced or deleted.");

const PRESETS = ["java", "python", "go", "node", "ruby", "dotnet", "php", "rust", "dart"] as const;

const PATTERNS = ["start", "continue", "end", "continued"] as const;

/** The patterns that go together, of which each set says by itself what a record is. */
const PATTERN_SETS: readonly string[] = [...PATTERNS, "start and continue", "start and end"];

const multiline = z
  .union([
    z.enum(["none", "auto", ...PRESETS]),
    z
      .strictObject({
        start: linearPattern().optional().describe("A line that matches begins a record."),
        continue: linearPattern().optional().describe("A line that matches belongs to the one before."),
        end: linearPattern().optional().describe("A line that matches ends its record."),
        continued: linearPattern().optional().describe("A line that matches goes on in the next one."),
      })
      .superRefine((patterns, ctx) => {
        const set = PATTERNS.filter((name) => patterns[name] !== undefined).join(" and ");
        if (PATTERN_SETS.includes(set)) return;
        ctx.addIssue({ code: "custom", message: `expected one of: ${PATTERN_SETS.join(", ")}` });
      }),
  ])
  .default("auto")
  .describe(
    `How lines are joined to records. auto joins the stack traces that it knows by their shape, and joins them to the log line above where all records of a file begin in one way; ${PRESETS.join(", ")} only those of one language; none nothing. Or patterns in RE2 syntax, as {start: '^\\d{4}-'}: a line that matches start begins a record, continue belongs to the line before, end ends its record, continued goes on in the next line; start goes with continue or end.`,
  );

const encodingLabel = z
  .string()
  .default("utf-8")
  .refine(isEncoding, "no encoding of the Encoding Standard, like utf-8, utf-16le, latin1, shift_jis or gb18030")
  .describe(
    "What the files are encoded in: a label of the Encoding Standard, like utf-16le, latin1, shift_jis or gb18030. A byte order mark of UTF-8 or UTF-16 at a file's beginning overrules it.",
  );

const source = z
  .strictObject({
    include: z
      .array(pattern())
      .default([])
      .describe(
        "Glob patterns of the files to follow, like /var/log/app/**/*.log. A relative pattern counts from the current directory. New files are found while the agent runs.",
      ),
    stdin: z
      .boolean()
      .default(false)
      .describe(
        "Read standard input instead of files. Its lines are kept in stateDir until every sink has them, and the agent ends with it, as with --once.",
      ),
    exclude: z
      .array(pattern())
      .default([])
      .describe(
        "Glob patterns of files to leave out. One without a slash, like *.gz, matches the file's name in any directory; one that begins with **/ any directory.",
      ),
    format: z
      .union([z.enum([...FORMAT_NAMES, ...CONTAINER_NAMES]), ownFormat])
      .default("auto")
      .describe(
        "What a line is, so that message, timestamp, severity and attributes are read out of it: auto finds out for each file from its first lines, raw takes nothing but the text, cri and docker take the lines of an application out of the files of its container, and {csv: {columns: [time, level, message]}} or {regex: '(?<level>\\w+) (?<message>.*)'} name the fields. A line that is none is shipped as it stands.",
      ),
    timeZone: timeZone()
      .optional()
      .describe("IANA name of the time zone, like Europe/Berlin, of times without an offset; UTC if it is not set."),
    timeFormat: timeFormat()
      .optional()
      .describe(
        "How times are written, like %d.%m.%Y %H:%M:%S, where that is not found out anyway. Directives of strptime.",
      ),
    encoding: encodingLabel,
    multiline,
    startAt: z
      .enum(["beginning", "end"])
      .default("beginning")
      .describe(
        "Where a sink without a checkpoint begins in the files that are there already. Files that appear later are always read from their beginning.",
      ),
    ignoreOlder: atLeast(duration(), 1_000, "1s")
      .optional()
      .describe(
        "What a file holds that has not been written to for this long when it is first met is skipped; what is added later is read.",
      ),
    maxRecordBytes: atLeast(size(), 64, "64B")
      .prefault("900kB")
      .describe("A longer record is split into marked parts. In bytes of the file."),
    maxRecordLines: z.int().min(2).default(5_000).describe("A joined record of more lines is cut."),
    flushAfter: duration()
      .prefault("1s")
      .describe(
        "Where lines are joined, a record at the end of its file that may go on is whole when the file has not grown for this long.",
      ),
    allowedRoots: z
      .array(text())
      .default([])
      .describe(
        "Directories outside the include patterns that followed files may lead to by symbolic links, for example /var/log/pods for /var/log/containers.",
      ),
    rotated,
  })
  .superRefine(({ include, stdin }, context) => {
    if (include.length === 0 && !stdin)
      context.addIssue({ code: "custom", path: ["include"], message: "needs at least one entry, or stdin: true" });
    if (include.length > 0 && stdin)
      context.addIssue({ code: "custom", path: ["stdin"], message: "files and stdin are two sources" });
  })
  .describe("A set of files that are read in the same way.");

const resource = z
  .strictObject({
    service: text().optional().describe("Name of the service that writes the logs. Or DD_SERVICE."),
    env: text().optional().describe("Deployment environment, like prod. Or DD_ENV."),
    version: text().optional().describe("Version of the service. Or DD_VERSION."),
    host: text().optional().describe("Host name to report instead of the machine's own."),
    attributes: z
      .record(text(), z.string())
      .default({})
      .describe("Further attributes by name, added to every record in the way each sink has for it."),
  })
  .prefault({})
  .describe("Who the records are about: the same for every record of this agent.");

const shutdown = z
  .strictObject({
    quietPeriod: duration()
      .prefault("2s")
      .describe("Told to stop, the agent reads on until no file has grown for this long."),
    timeout: atLeast(duration(), 1, "1ms")
      .prefault("25s")
      .describe("All of the shutdown takes at most this long. Keep it below terminationGracePeriodSeconds."),
    lastChance: duration()
      .prefault("1500ms")
      .describe("How long a sink that was failing already when the agent was told to stop is tried again."),
    spillTo: name()
      .optional()
      .describe(
        "The sink that gets what the others could not be given when the agent ends, for volumes that end with the pod. It gets nothing else.",
      ),
  })
  .prefault({})
  .describe("How the agent ends.");

const exitWhen = z
  .strictObject({
    file: text().describe(
      "When this file is there, the agent ends as on SIGTERM. A relative path counts from the current directory.",
    ),
  })
  .optional()
  .describe(
    "Ends the agent without a signal: in a Job with a classic sidecar the main container makes the file when it is done.",
  );

const memory = z
  .strictObject({
    maxBuffered: atLeast(size(), 1, "1B")
      .prefault("32MiB")
      .describe("Bound of the records and bodies held for all sinks together; one batch is guaranteed to each."),
  })
  .prefault({})
  .describe("Bounds in memory.");

const stdin = z
  .strictObject({
    maxBuffered: atLeast(size(), 1_048_576, "1MiB")
      .prefault("256MiB")
      .describe(
        "Bound of what was read from stdin and lies in stateDir because some sink has not got it. At the bound the pipe waits.",
      ),
  })
  .prefault({})
  .describe("Standard input, where a source reads it.");

const checkpoints = z
  .strictObject({
    interval: atLeast(duration(), 10, "10ms")
      .prefault("1s")
      .describe("Changed cursors are made durable this often: what a kill can make the agent send again."),
    compactAt: atLeast(size(), 4_096, "4KiB")
      .prefault("1MiB")
      .describe(
        "The journal is written anew when it has grown by this much over its last snapshot, and at least to twice that.",
      ),
  })
  .prefault({})
  .describe("The durable cursors in stateDir.");

const deadLetters = z
  .strictObject({
    maxBytes: atLeast(size(), 65_536, "64KiB")
      .prefault("64MiB")
      .describe("Bound of the dead letters of each sink, on disk."),
    full: z
      .enum(["block", "evict"])
      .default("block")
      .describe(
        "What happens when they are full: block has the sink wait until some were replayed, evict gives up the oldest ones, which are then lost.",
      ),
  })
  .prefault({})
  .describe("Records that a sink refused for good, kept in stateDir for tailcar replay.");

const retry = z
  .strictObject({
    giveUpAfter: atLeast(duration(), 1_000, "1s")
      .optional()
      .describe(
        "A batch that has failed for this long goes to the dead letters. Without it a batch is tried for as long as it takes. Refused credentials never count.",
      ),
  })
  .optional()
  .describe("How long a failing sink is tried.");

const server = z
  .strictObject({
    listen: z
      .string()
      .refine(
        (listen) => parseAddress(listen) !== undefined,
        "expected a host and a port, like 0.0.0.0:9600 or [::]:9600",
      )
      .describe("Host and port, like 0.0.0.0:9600; a port of 0 takes any that is free."),
  })
  .optional()
  .describe("Health, metrics and status over HTTP. None of it shows log content or secrets. Without it there is none.");

const log = z
  .strictObject({
    level: z.enum(["error", "warn", "info", "debug"]).default("info").describe("The least severe lines to write."),
    format: z
      .enum(["auto", "json", "pretty"])
      .default("auto")
      .describe("auto is pretty on a terminal and json elsewhere."),
  })
  .prefault({})
  .describe("The agent's own log, on stderr.");

/** What `retry` comes out as. The types of the sinks' own options are not known here, and hide its own. */
const retryOutput = z.object({ giveUpAfter: z.number().optional() }).optional();

/** One type of sink as the file has it, its options flat beside `type`; the output has them apart. */
const sinkOption = ({ type, schema }: SinkDefinition) =>
  schema
    .safeExtend({ type: z.literal(type).describe("Where to ship to."), retry })
    .strict()
    .transform((sink): SinkConfig => {
      const { type: ownType, retry: ownRetry, ...options } = sink;
      return { type: String(ownType), retry: retryOutput.parse(ownRetry), options };
    })
    .meta({ title: type });

function sinkSchema(definitions: readonly SinkDefinition[]) {
  const [first, ...others] = definitions.map(sinkOption);
  if (first === undefined) throw new Error("no type of sink is registered");
  return z.discriminatedUnion("type", [first, ...others]);
}

/** A sink of the configuration; `options` is the output of its definition's schema. */
export interface SinkConfig {
  readonly type: string;
  readonly retry?: z.output<typeof retryOutput>;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * The schema of the whole configuration: the one place of its options' types, defaults and documentation. In the
 * output durations are numbers of milliseconds and sizes numbers of bytes, under the names that YAML has.
 */
export const configSchema = (sinks: readonly SinkDefinition[]) =>
  z
    .strictObject({
      stateDir: text()
        .default(DEFAULT_STATE_DIR)
        .describe(
          "Directory of the checkpoints. Must outlive the container, and must not lie in a directory that is read.",
        ),
      resource,
      sources: named(source, "What to read, by a name of your choice.").superRefine((sources, context) => {
        const [, ...others] = Object.keys(sources).filter((key) => sources[key]?.stdin === true);
        for (const key of others)
          context.addIssue({ code: "custom", path: [key, "stdin"], message: "only one source can read stdin" });
      }),
      transforms: transformsSchema,
      sinks: named(
        sinkSchema(sinks),
        "Where to ship, by a name of your choice. Cursors are kept by this name. Every sink gets every record.",
      ),
      shutdown,
      exitWhen,
      failOnUndelivered: z
        .boolean()
        .default(false)
        .describe(
          "With exitWhen: exit with 75 when records are left undelivered, which fails the Job. Without exitWhen that is so anyway.",
        ),
      memory,
      maxOpenFiles: z
        .int()
        .min(1)
        .default(1_024)
        .describe("Files kept open at the same time; the least recently grown ones are closed first."),
      stdin,
      checkpoints,
      deadLetters,
      server,
      log,
    })
    .meta({ title: "tailcar configuration", description: "Configuration of tailcar, a log-shipping sidecar." });

/** The validated configuration. Durations are milliseconds, sizes are bytes; paths and patterns are absolute. */
export type Config = z.output<ReturnType<typeof configSchema>>;

/** A source of the configuration; see `Config` for its units. */
export type SourceConfig = Config["sources"][string];
