import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { START } from "../../src/core/position.ts";
import { type ReadingScene, reading, readThrough } from "./scene.ts";
import { shuffled } from "../support/shuffled.ts";

const AUTO = { multiline: "auto", format: "raw", maxRecordLines: 5_000 } as const;

/** Reads all there is, and then what waits at the end. */
async function bodiesOf(scene: ReadingScene): Promise<readonly string[]> {
  const { records, end } = await readThrough(scene);
  const rest = await scene.reader.read(scene.file, end, false, true);
  const last = rest.kind === "segment" ? rest.segment.records : [];
  return [...records, ...last].map(({ body }) => body);
}

async function recordsOf(lines: readonly string[]): Promise<readonly string[]> {
  const scene = await reading(`${lines.join("\n")}\n`, AUTO);
  const bodies = await bodiesOf(scene);
  await scene.scene.registry.close();
  return bodies;
}

const joined = (records: readonly string[]): Promise<readonly string[]> =>
  recordsOf(records.flatMap((record) => record.split("\n")));

const JAVA =
  "java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: x\n\t... 1 more";
const PYTHON = 'Traceback (most recent call last):\n  File "/a.py", line 1, in <module>\n    f()\nValueError: first';
const NODE = "TypeError: card declined\n    at charge (file:///app/a.mjs:1:34)\n    at file:///app/a.mjs:2:7";
const DOTNET =
  "System.InvalidOperationException: no\n ---> System.FormatException: x\n   at System.Number.Throw()\n   --- End of inner exception stack trace ---\n   at Shop.Main(String[] args) in /app/Shop.cs:line 4";

/** Log lines as usual loggers write them: of a number, with a level. */
const LOGGERS: Readonly<Record<string, (level: string, n: number) => string>> = {
  logback: (level, n) => `2026-01-02 12:00:${10 + (n % 50)}.123 [main] ${level.padEnd(5)} c.e.App - message ${n}`,
  "logback without a pattern": (level, n) => `12:00:${10 + (n % 50)}.123 [main] ${level} c.e.App -- message ${n}`,
  "java.util.logging": (level, n) => `Jan 0${1 + (n % 9)}, 2026 3:04:05 AM c.e.App main ${level}: message ${n}`,
  python: (level, n) => `${level}:root:message ${n}`,
  "python with times": (level, n) => `2026-01-02 03:04:${10 + (n % 50)},678 ${level} message ${n}`,
  serilog: (level, n) => `[2026-01-02T03:04:${10 + (n % 50)}.123Z] [${level}] message ${n}`,
  ruby: (level, n) => `${level[0]}, [2026-01-02T03:04:05.${100_000 + n} #${n}] ${level} -- : message ${n}`,
  log4j: (level, n) => `[${level}] 2026-01-02 03:04:${10 + (n % 50)} main - message ${n}`,
  klog: (level, n) => `${level[0]}0102 03:04:05.${100_000 + n}       1 main.go:${n}] message`,
};

describe("in a file whose records all begin in one way", () => {
  const tables = Object.entries(LOGGERS).flatMap(([name, line]) =>
    Object.entries({ JAVA, PYTHON, NODE, DOTNET }).map(([language, trace]) => [name, language, line, trace] as const),
  );

  test.each(tables)("%s: a trace belongs to the log line above it (%s)", async (_, __, line, trace) => {
    const records = Array.from({ length: 60 }, (_unused, n) =>
      n % 9 === 5 ? `${line("ERROR", n)}\n${trace}` : line("INFO", n),
    );
    expect(await joined(records)).toEqual(records);
    // Few records are enough, once the file has not grown for a while.
    expect(await joined(records.slice(3, 8))).toEqual(records.slice(3, 8));
  });

  const line = LOGGERS["logback"] ?? String;
  const steady = Array.from({ length: 30 }, (_, n) => line("INFO", n));

  test("whatever stands below a log line belongs to it: text, blank lines, further lines of an error's message", async () => {
    const records = [
      ...steady,
      `${line("DEBUG", 30)}\nselect *\n  from orders\n\n where id = 7`,
      `${line("ERROR", 31)}\n${PYTHON}\nsecond line\nthird line`,
      `${line("INFO", 32)}\n{\n  "pretty": true\n}`,
      line("INFO", 33),
    ];
    expect(await joined(records)).toEqual(records);
  });

  test.each([
    'Exception in thread "main" java.lang.Error: x\n\tat a.B.c(B.java:1)',
    "panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:1 +0x1",
    "thread 'main' panicked at src/main.rs:4:5:\nno\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    "Unhandled exception. System.Exception: no\n   at Shop.Main(String[] args) in /app/Shop.cs:line 4",
    "file:///app/a.mjs:4\nthrow new Error()\n^\n\nError\n    at file:///app/a.mjs:4:16\n\nNode.js v26.10.0",
    "shop.rb:2:in 'Integer#/': divided by 0 (ZeroDivisionError)\n\tfrom shop.rb:2:in 'Object#charge'",
    'Exception in thread Thread-1 (f):\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\nValueError: x',
    'Exception ignored in: <function f at 0x7f>\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\nValueError: x',
    'Task exception was never retrieved\nfuture: <Task finished>\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\nValueError: x',
    'Exception in callback f()\nhandle: <Handle f()>\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\nValueError: x',
    'Fatal Python error: Aborted\n\nCurrent thread 0x00007f01 (most recent call first):\n  File "/a.py", line 1 in f',
    '  File "/a.py", line 1\n    f(\n     ^\nSyntaxError: x',
    "#<Thread:0x00007f01 a.rb:1 run> terminated with exception (report_on_exception is true):\na.rb:1:in `f': x (A)\n\tfrom a.rb:2:in `g'",
    "Fatal error: Uncaught Broken: x in /a.php:1\nStack trace:\n#0 {main}\n  thrown in /a.php on line 1",
    "thread panicked while panicking. aborting.",
    '{"level":"info","msg":"another logger"}',
    "ERROR another logger",
    "[notice] another logger",
    '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 17 "-" "curl"',
  ])("what begins a record by itself is none of the log line's: %j", async (alone) => {
    const records = [...steady, line("ERROR", 30), alone, line("INFO", 31)];
    expect(await joined(records)).toEqual(records);
  });

  test("of two traces it is not known what they belong to, and no record of another kind ends one", async () => {
    const records = [...steady, line("ERROR", 30), JAVA, NODE, line("INFO", 31), line("ERROR", 32), JAVA, '{"a":1}'];
    expect(await joined(records)).toEqual(records);
  });

  test("a trace below a line that tells of no fault is by itself", async () => {
    const records = [...steady, line("INFO", 30), JAVA, line("ERROR", 31), line("INFO", 32)];
    expect(await joined(records)).toEqual(records);
  });

  test("a banner above the first record is its own", async () => {
    const records = ["  .   ____", " :: Spring Boot ::  (v3.2)", ...steady, `${line("ERROR", 30)}\n${JAVA}`];
    expect(await joined(records)).toEqual(records);
  });

  test("however much of it is there at a time, the same records come out, and only what may go on waits", async () => {
    const records = Array.from({ length: 60 }, (_, n) =>
      n % 7 === 3 ? `${line("WARN", n)}\n${JAVA}` : line("INFO", n),
    );
    const content = Buffer.from(`${records.join("\n")}\n`);
    for (const piece of [40, 333, 1_000]) {
      const scene = await reading(content, AUTO);
      const bodies: string[] = [];
      let position = START;
      for (let size = piece; ; size += piece) {
        scene.file.size = Math.min(size, content.length);
        const { records: found, end } = await readThrough(scene, position);
        bodies.push(...found.map(({ body }) => body));
        position = end;
        if (size >= content.length) break;
      }
      expect([piece, bodies]).toEqual([piece, records.slice(0, -1)]);
      expect(scene.file.starts).toBe("0000-#-# #:#:#");
      expect(scene.events).toContainEqual({ kind: "file.starts", path: scene.file.path, shape: "0000-#-# #:#:#" });
      await scene.scene.registry.close();
    }
  });

  test("without lines that belong to others none waits but those that tell of a fault", async () => {
    const quiet = await reading(`${steady.join("\n")}\n`, AUTO);
    expect((await readThrough(quiet)).records.length).toBe(30);
    const severe = await reading(`${steady.join("\n")}\n${line("ERROR", 30)}\n`, AUTO);
    expect((await readThrough(severe)).records.length).toBe(30);
  });

  test("what was decided counts from the first line after a restart", async () => {
    const scene = await reading(`${line("INFO", 1)}\nand more\n${line("INFO", 2)}\n`, AUTO);
    scene.file.decide({ starts: "0000-#-# #:#:#" });
    expect(scene.file.checkpoint().starts).toBe("0000-#-# #:#:#");
    expect(await bodiesOf(scene)).toEqual([`${line("INFO", 1)}\nand more`, line("INFO", 2)]);
  });
});

describe("in a file whose records begin in several ways", () => {
  const line = LOGGERS["logback"] ?? String;

  test.each<[string, readonly string[]]>([
    ["JSON among them", [line("INFO", 1), '{"a":1}', line("ERROR", 2), JAVA, line("INFO", 3)]],
    ["another logger's lines", [line("INFO", 1), "ERROR:root:no", line("ERROR", 2), JAVA, line("INFO", 3)]],
    ["a trace at the beginning", [JAVA, line("INFO", 1), line("ERROR", 2), JAVA, line("INFO", 3)]],
    ["a trace below a line that tells of no fault", [line("INFO", 1), JAVA, line("ERROR", 2), JAVA, line("INFO", 3)]],
    ["one line that tells of no fault", [line("INFO", 2), JAVA]],
  ])("a log line and a trace below it are two records: %s", async (_, records) => {
    expect(await joined(records)).toEqual(records);
  });
});

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));

/** Records of all fixtures: lines of logs, and traces by themselves. */
function fixtures(): { readonly lines: readonly string[]; readonly traces: readonly string[] } {
  const names = readdirSync(FIXTURES).filter((name) => name !== "generate" && name !== "multiline");
  const lines = names.flatMap((name) => readFileSync(`${FIXTURES}${name}/input.log`, "utf8").split(/\r?\n/));
  const traces = readdirSync(`${FIXTURES}multiline`)
    .filter((name) => name.endsWith(".txt"))
    .flatMap((name) => readFileSync(`${FIXTURES}multiline/${name}`, "utf8").split("%%\n"))
    .map((record) => record.replace(/^\n+|\n+$/g, ""));
  // What is above a trace, or part of one, is no record of its own here.
  return { lines: lines.filter((line) => /^(?:\d{4}|<|\{|\S+ - )/.test(line)), traces };
}

test("all fixtures shuffled by record in one file: nothing is joined that does not belong together, 95 % of the traces are whole", async () => {
  const { lines, traces } = fixtures();
  let whole = 0;
  const seeds = 20;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const written = shuffled([...lines, ...traces, ...traces], seed);
    const found = await joined(written);
    const known = new Set(written);
    // A record is one that was written, or a part of one.
    const wrong = found.filter((record) => !known.has(record) && !written.some((one) => one.includes(record)));
    expect(wrong).toEqual([]);
    const counts = new Set(found);
    whole += traces.filter((trace) => counts.has(trace)).length;
  }
  expect(whole / (seeds * traces.length)).toBeGreaterThanOrEqual(0.95);
});
