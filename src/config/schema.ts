/*
 * A long file: the whole of the configuration's shape and documentation in one place.
 */
import { z } from "zod";
import { parseAddress } from "../core/address.ts";
import { CONTAINER_NAMES, FORMAT_NAMES } from "../core/format.ts";
import { encodingName } from "../core/encoding-label.ts";
import { atLeast, duration, size } from "../core/options.ts";
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
    return encodingName(label) !== "";
  } catch {
    return false;
  }
}

/** A duration or size with a lower bound, which is worded in the unit that the user writes. */
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
        "A rotated file is closed when every sink has it and it has not grown for this long. Until then writers may go on writing to it.",
      ),
    dirs: z
      .array(text())
      .default([])
      .describe(
        "Directories that rotated files are moved to, like olddir of logrotate. A relative one counts from the directory of the live file.",
      ),
    maxHeldBytes: size()
      .prefault("512MiB")
      .describe(
        "Deleted files that some sink still needs are held open up to this total size, because they take space that the application can't free.",
      ),
    policy: z
      .enum(["release", "hold"])
      .default("release")
      .describe(
        "release closes deleted files past maxHeldBytes, or when less than 10 % of the volume is free: what is unread is lost, and logged as lost. hold never does.",
      ),
    delete: z
      .strictObject({
        after: duration().describe("How long to wait after every sink has the file."),
      })
      .optional()
      .describe("Deletes rotated files that every sink has. Without it no file is ever deleted."),
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
    `How lines are joined to records. auto recognises stack traces by their shape, and joins them to the log line above if all records of the file begin in the same way; ${PRESETS.join(", ")} join those of one language; none joins nothing. Or patterns in RE2 syntax, like {start: '^\\d{4}-'}: a line that matches start begins a record, one that matches continue belongs to the line before, one that matches end ends its record, and one that matches continued goes on in the next line. start can be combined with continue or end.`,
  );

const encodingLabel = z
  .string()
  .default("utf-8")
  .refine(
    isEncoding,
    "no encoding of the Encoding Standard, like utf-8, utf-16le, latin1, shift_jis or gb18030, and no code page like cp1252",
  )
  .describe(
    "Encoding of the files: a label of the Encoding Standard, like utf-16le, latin1, shift_jis or gb18030, or a code page like cp1252 or cp932. A byte order mark of UTF-8 or UTF-16 at the beginning of a file wins.",
  );

const source = z
  .strictObject({
    include: z
      .array(pattern())
      .default([])
      .describe(
        "Glob patterns of the files to follow, like /var/log/app/**/*.log. A relative pattern counts from the current directory. New files are found while the agent runs. Needed unless stdin is set.",
      ),
    stdin: z
      .boolean()
      .default(false)
      .describe(
        "Read standard input instead of files. What is read is kept in stateDir until every sink has it. The agent ends when stdin ends, as with --once.",
      ),
    exclude: z
      .array(pattern())
      .default([])
      .describe(
        "Glob patterns of files to leave out. A pattern without a slash, like *.gz, matches the file name in any directory; so does one that begins with **/.",
      ),
    format: z
      .union([z.enum([...FORMAT_NAMES, ...CONTAINER_NAMES]), ownFormat])
      .default("auto")
      .describe(
        "The format of the lines, from which message, timestamp, severity and attributes are read. auto decides for each file from its first lines, raw reads nothing but the text, and cri and docker unwrap the lines of an application from the log files of its container. {csv: {columns: [time, level, message]}} and {regex: '(?<level>\\w+) (?<message>.*)'} name the fields. A line that does not match is shipped as it stands.",
      ),
    timeZone: timeZone()
      .optional()
      .describe(
        "Time zone of times without an offset: an IANA name like Europe/Berlin, or an offset like +05:30. Without it UTC.",
      ),
    timeFormat: timeFormat()
      .optional()
      .describe(
        "How times are written, like %d.%m.%Y %H:%M:%S, if they are not recognised without it. Uses the directives of strptime.",
      ),
    encoding: encodingLabel,
    multiline,
    startAt: z
      .enum(["beginning", "end"])
      .default("beginning")
      .describe(
        "Where a sink without a checkpoint begins in files that already exist. Files that appear later are always read from their beginning.",
      ),
    ignoreOlder: atLeast(duration(), 1_000, "1s")
      .optional()
      .describe(
        "Skip the content of files that were last written longer ago than this when they are first seen. What is added later is read.",
      ),
    maxRecordBytes: atLeast(size(), 64, "64B")
      .prefault("900kB")
      .describe("A longer record is split into marked parts. Counted in bytes of the file."),
    maxRecordLines: z.int().min(2).default(5_000).describe("A joined record is cut after this many lines."),
    flushAfter: duration()
      .prefault("1s")
      .describe(
        "Where lines are joined, the last record of a file counts as complete when the file has not grown for this long.",
      ),
    allowedRoots: z
      .array(text())
      .default([])
      .describe(
        "Directories outside the include patterns that symbolic links may lead to, for example /var/log/pods for /var/log/containers.",
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
      .describe("Further attributes by name, added to every record in each sink's own way."),
  })
  .prefault({})
  .describe("Who the records are about: the same for every record of this agent.");

const shutdown = z
  .strictObject({
    quietPeriod: duration()
      .prefault("2s")
      .describe("When told to stop, the agent reads on until no file has grown for this long."),
    timeout: atLeast(duration(), 1, "1ms")
      .prefault("25s")
      .describe("The whole shutdown takes at most this long. Keep it below terminationGracePeriodSeconds."),
    lastChance: duration()
      .prefault("1500ms")
      .describe("How long a sink that was already failing is retried when the agent is told to stop."),
    spillTo: name()
      .optional()
      .describe(
        "The sink that gets what could not be delivered to the others when the agent ends, for volumes that end with the pod. It gets nothing else.",
      ),
  })
  .prefault({})
  .describe("How the agent ends.");

const exitWhen = z
  .strictObject({
    file: text().describe(
      "When this file exists, the agent ends as on SIGTERM. A relative path counts from the current directory.",
    ),
  })
  .optional()
  .describe(
    "Ends the agent without a signal: in a Job with a classic sidecar, the main container creates a file when it is done.",
  );

const memory = z
  .strictObject({
    maxBuffered: atLeast(size(), 1, "1B")
      .prefault("32MiB")
      .describe(
        "Limit on the records and request bodies held for all sinks together. Each sink is guaranteed one batch.",
      ),
  })
  .prefault({})
  .describe("Limits on memory.");

const stdin = z
  .strictObject({
    maxBuffered: atLeast(size(), 1_048_576, "1MiB")
      .prefault("256MiB")
      .describe(
        "Limit on what was read from stdin and is kept in stateDir until every sink has it. At the limit, stdin is not read.",
      ),
  })
  .prefault({})
  .describe("Standard input, where a source reads it.");

const checkpoints = z
  .strictObject({
    interval: atLeast(duration(), 10, "10ms")
      .prefault("1s")
      .describe(
        "Changed cursors are made durable this often. A kill makes the agent send again what was delivered since.",
      ),
    compactAt: atLeast(size(), 4_096, "4KiB")
      .prefault("1MiB")
      .describe(
        "The journal is compacted when it has grown by this much since its last snapshot, and to at least twice the snapshot's size.",
      ),
  })
  .prefault({})
  .describe("The durable cursors in stateDir.");

const deadLetters = z
  .strictObject({
    maxBytes: atLeast(size(), 65_536, "64KiB")
      .prefault("64MiB")
      .describe("Limit on the dead letters of each sink, on disk."),
    full: z
      .enum(["block", "evict"])
      .default("block")
      .describe(
        "What happens at the limit: with block the sink waits until some are replayed; with evict the oldest ones are lost.",
      ),
  })
  .prefault({})
  .describe("Records that a sink refused for good, kept in stateDir for tailcar replay.");

const retry = z
  .strictObject({
    giveUpAfter: atLeast(duration(), 1_000, "1s")
      .optional()
      .describe(
        "A batch that has failed for this long goes to the dead letters. Without it a batch is retried for as long as it takes. Refused credentials never make it give up.",
      ),
  })
  .optional()
  .describe("How long a failing sink is retried.");

const server = z
  .strictObject({
    listen: z
      .string()
      .refine(
        (listen) => parseAddress(listen) !== undefined,
        "expected a host and a port, like 0.0.0.0:9600 or [::]:9600",
      )
      .describe("Host and port, like 0.0.0.0:9600. Port 0 takes any free port."),
  })
  .optional()
  .describe(
    "Health, metrics and status over HTTP. Shows no log content and no secrets. Without it there is no server.",
  );

const log = z
  .strictObject({
    level: z
      .enum(["error", "warn", "info", "debug"])
      .default("info")
      .describe("Lines of this severity and above are written."),
    format: z
      .enum(["auto", "json", "pretty"])
      .default("auto")
      .describe("auto means pretty on a terminal and json elsewhere."),
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
          "Directory of the checkpoints and dead letters. Must outlive the container, and must not lie in a directory that is read.",
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
          "With exitWhen: exit with 75 if records are left undelivered, which fails the Job. Without exitWhen this is always so.",
        ),
      memory,
      maxOpenFiles: z
        .int()
        .min(1)
        .default(1_024)
        .describe(
          "How many files are kept open at the same time. Those that have not grown for longest are closed first.",
        ),
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
