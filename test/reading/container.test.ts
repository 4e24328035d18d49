import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { START } from "../../src/core/position.ts";
import { unwrap } from "../../src/records/container.ts";
import { bytesOf, type PeerInput } from "../support/peer-input.ts";
import { type PeerOptions, patternsOf } from "../support/peer-patterns.ts";
import { isSeenOtherwise } from "../support/seen-otherwise.ts";
import { reading, readThrough } from "./scene.ts";

/** What other shippers' own tests expect. Lies beside the project, where it is present at all. */
const CASES = fileURLToPath(new URL("../../../shared/cases/", import.meta.url));

interface Case {
  readonly id: string;
  readonly class: string;
  readonly format: string;
  readonly input_lines: readonly string[];
  readonly expected_events: readonly string[];
  readonly order_matters?: boolean;
  /** How the lines within are joined, if they are. */
  readonly config?: PeerOptions;
}

interface ParserCase extends PeerInput {
  readonly id: string;
  readonly expected: null | {
    readonly time?: string;
    readonly stream?: string;
    readonly partial?: boolean | null;
    readonly message?: string;
    readonly message_len?: number;
  };
}

const textOf = (file: string): string =>
  existsSync(CASES + file) ? readFileSync(CASES + file, "utf8") : '{"cases":[]}';

const { cases }: { readonly cases: readonly Case[] } = JSON.parse(textOf("multiline_container.json"));
const parsers: { readonly cases: readonly ParserCase[] } = JSON.parse(textOf("parsers_container.json"));

test.skipIf(cases.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(cases).toEqual([]);
});

const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort();

test.each(cases.filter((one) => !isSeenOtherwise(one)).map((one) => [one.id, one] as const))("%s", async (_, one) => {
  const format = one.format === "auto" ? "auto" : one.format.startsWith("docker") ? "docker" : "cri";
  const multiline = one.config && patternsOf(one.config);
  const scene = await reading(`${one.input_lines.join("\n")}\n`, { format, ...(multiline && { multiline }) });
  const { records } = await readThrough(scene, START, true);
  const bodies = records.map(({ body }) => body);
  const order = one.order_matters === false ? sorted : (lines: readonly string[]) => lines;
  expect(order(bodies)).toEqual(order(one.expected_events));
});

test.each(parsers.cases.map((one) => [one.id, one] as const))("%s", (_, one) => {
  const wrapped = unwrap(bytesOf(one).toString());
  const { expected } = one;
  const found = wrapped && {
    message: expected?.message === undefined ? undefined : wrapped.text,
    message_len: expected?.message_len && wrapped.text.length,
    stream: expected?.stream && wrapped.stream,
    partial: typeof expected?.partial === "boolean" ? wrapped.isPart : expected?.partial,
    epochMs: expected?.time && wrapped.timestamp?.epochMs,
  };
  const { time, ...rest } = expected ?? {};
  expect(found).toEqual(expected === null ? undefined : { ...rest, epochMs: time && Date.parse(time) });
});

const cri = (stream: string, tag: string, text: string): string =>
  `2026-01-02T03:04:05.123456789Z ${stream} ${tag} ${text}\n`;

const rawCri = (stream: string, tag: string, text: Buffer): Buffer =>
  Buffer.concat([Buffer.from(cri(stream, tag, "").slice(0, -1)), text, Buffer.from("\n")]);

const docker = (log: string): string =>
  `${JSON.stringify({ log, stream: "stdout", time: "2026-01-02T03:04:05.1Z" })}\n`;

describe("the files of containers", () => {
  test("are recognised; time and stream are those of the wrapper, the text is read as ever", async () => {
    const scene = await reading(cri("stdout", "F", '{"level":"warn","msg":"hot"}') + cri("stderr", "F", "plain"), {
      format: "auto",
    });
    const { records } = await readThrough(scene);
    expect(records.map(({ fields }) => [fields.message, fields.severity?.text, fields.attributes])).toEqual([
      ["hot", "warn", { "log.iostream": "stdout" }],
      [undefined, undefined, { "log.iostream": "stderr" }],
    ]);
    expect(records[0]?.fields.timestamp).toEqual({ epochMs: Date.parse("2026-01-02T03:04:05.123Z"), nanos: 456_789 });
    expect(scene.file.format).toBe("cri");
  });

  const trace = ["java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)", "\tat a.B.main(B.java:2)"];
  const interleaved = [
    cri("stdout", "F", "before"),
    cri("stderr", "F", trace[0] ?? ""),
    cri("stdout", "P", "half "),
    cri("stderr", "F", trace[1] ?? ""),
    cri("stdout", "F", "and half"),
    cri("stderr", "F", trace[2] ?? ""),
    cri("stderr", "F", "after"),
  ];

  test("have traces of one stream among lines of another, and a cursor stands only where neither is open", async () => {
    const scene = await reading(interleaved.join(""), { format: "cri", multiline: "auto" });
    const result = await scene.reader.read(scene.file, START, false);
    if (result.kind !== "segment") throw new Error(result.kind);
    const { segment } = result;
    expect(segment.records.map(({ body }) => body)).toEqual(["before", "half and half", trace.join("\n"), "after"]);
    const bytes = interleaved.map((line) => Buffer.byteLength(line));
    const total = bytes.reduce((sum, one) => sum + one, 0);
    expect(segment.records.reduce((sum, { length }) => sum + length, 0)).toBe(total);
    expect([0, 1, 2, 3].map((index) => segment.wholeGroup(index))).toEqual([0, 1, 3, 3]);
    expect(segment.startOf(1)).toBe(bytes[0]);
    expect(segment.startOf(3)).toBe(total - (bytes[6] ?? 0));
  });

  test("however much of them is there at a time, the same records come out", async () => {
    const content = Buffer.from(interleaved.join(""));
    for (const piece of [1, 7, 50, 120]) {
      const scene = await reading(content, { format: "cri", multiline: "auto" });
      const bodies: string[] = [];
      let position = START;
      for (let size = piece; ; size += piece) {
        scene.file.size = Math.min(size, content.length);
        const { records, end } = await readThrough(scene, position);
        bodies.push(...records.map(({ body }) => body));
        position = end;
        if (size >= content.length) break;
      }
      expect(bodies).toEqual(["before", "half and half", trace.join("\n"), "after"]);
      await scene.scene.registry.close();
    }
  });

  test("have characters whole that the runtime cut in two, whatever the other stream writes in between", async () => {
    const [long, other] = [Buffer.from("жар и 😀"), Buffer.from("ёж")];
    const parts = (cuts: readonly [number, number]): Buffer =>
      Buffer.concat([
        rawCri("stdout", "P", long.subarray(0, cuts[0])),
        rawCri("stderr", "P", other.subarray(0, 1)),
        rawCri("stdout", "P", long.subarray(...cuts)),
        rawCri("stderr", "F", other.subarray(1)),
        rawCri("stdout", "F", long.subarray(cuts[1])),
      ]);
    for (let cut = 1; cut + 1 < long.length; cut += 1) {
      const scene = await reading(parts([cut, cut + 1]), { format: "cri" });
      const { records } = await readThrough(scene, START, true);
      expect(records.map(({ body }) => body).sort()).toEqual(["жар и 😀", "ёж"]);
      await scene.scene.registry.close();
    }
  });

  test("show half a character as what it is, where the other half never comes", async () => {
    const half = rawCri("stdout", "P", Buffer.from([0x61, 0xd0]));
    for (const rest of ["", cri("stdout", "F", "b")]) {
      const scene = await reading(Buffer.concat([half, Buffer.from(rest)]), { format: "cri" });
      const { records } = await readThrough(scene, START, true);
      expect(records.map(({ body }) => body)).toEqual([rest === "" ? "a\uFFFD" : "a\uFFFDb"]);
      await scene.scene.registry.close();
    }
  });

  test("of Docker have a text with nothing in it, of which no rest is awaited", async () => {
    expect(unwrap(docker(""))).toMatchObject({ text: "", isPart: false });
    const scene = await reading(docker("") + docker("next\n"), { format: "docker" });
    expect((await readThrough(scene)).records.map(({ body, offset }) => [body, offset])).toEqual([
      ["next", docker("").length],
    ]);
  });

  test("in which streams never come to rest together are cut by force, in bounded memory", async () => {
    const lines = Array.from({ length: 4_000 }, (_, n) =>
      cri(n === 0 ? "stderr" : "stdout", n === 0 ? "P" : "F", `line ${n}`),
    );
    const scene = await reading(lines.join(""), { format: "cri", maxRecordBytes: 1_000 });
    const { records } = await readThrough(scene, START, true);
    expect(records.map(({ body }) => body).sort()).toEqual(Array.from({ length: 4_000 }, (_, n) => `line ${n}`).sort());
  });
});

const access = (n: number): string =>
  `10.0.0.${n} - - [02/Jan/2026:03:04:05 +0000] "GET /${n} HTTP/1.1" 200 17 "-" "curl"`;
const error = (n: number): string => `2026-01-02 03:04:05,678 ERROR [main] shop - failed ${n}`;

test("within a container's file `auto` decides for each stream by itself, and a log line keeps its trace among the other's lines", async () => {
  const frames = ["java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)"];
  const lines = Array.from({ length: 25 }, (_, n) =>
    [error(n), ...frames].map((line) => cri("stdout", "F", access(n)) + cri("stderr", "F", line)).join(""),
  );
  const scene = await reading(lines.join(""), { format: "auto", multiline: "auto" });
  const { records } = await readThrough(scene);
  const bodies = records.map(({ body }) => body);
  expect(bodies.filter((body) => body.startsWith("10."))).toHaveLength(75 - 2);
  expect(bodies.filter((body) => body.includes("ERROR"))).toEqual(
    Array.from({ length: 24 }, (_, n) => [error(n), ...frames].join("\n")),
  );
  expect(records.at(0)?.fields.attributes).toMatchObject({ "log.iostream": "stdout", status: 200, client: "10.0.0.0" });
  expect(scene.file.checkpoint()).toMatchObject({
    format: "cri",
    streams: { stdout: { format: "nginx", starts: "" }, stderr: { format: "raw", starts: "0000-#-# #:#:#" } },
  });
});
