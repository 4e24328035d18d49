import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkCommand } from "../../src/commands/check.ts";
import { definitions, sinkhole } from "../config/definitions.ts";

let directory = "";

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-check-")));
  mkdirSync(join(directory, "logs"));
});

afterEach(() => rmSync(directory, { recursive: true }));

async function check(text: string | undefined, env: Record<string, string> = {}) {
  if (text !== undefined) writeFileSync(join(directory, "tailcar.yaml"), text);
  const stdout = sinkhole();
  const stderr = sinkhole();
  const io = { stdout: stdout.stream, stderr: stderr.stream, env, cwd: directory, sinks: definitions };
  const code = await checkCommand({ config: "tailcar.yaml" }, io);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

const config = (include: string, stateDir: string): string =>
  `stateDir: ${stateDir}\nsources:\n  app: {include: [${include}]}\nsinks:\n  out: {type: stdout}\n`;

describe("check", () => {
  test("prints the effective configuration of a good file, secrets masked", async () => {
    writeFileSync(join(directory, "key"), "hunter2\n");
    const text = `${config("logs/*.log", "state")}  d: {type: datadog, apiKey: '\${file:key}'}\n  e: {type: datadog}\n`;
    const result = await check(text, { DD_API_KEY: "hunter3" });
    expect(result).toEqual({
      code: 0,
      stderr: "",
      stdout: `tailcar.yaml: ok
stateDir: ${directory}/state
resource:
  attributes: {}
sources:
  app:
    include:
      - ${directory}/logs/*.log
    stdin: false
    exclude: []
    format: auto
    encoding: utf-8
    multiline: auto
    startAt: beginning
    maxRecordBytes: 900kB
    maxRecordLines: 5000
    flushAfter: 1s
    allowedRoots: []
    rotated:
      grace: 1m
      dirs: []
      maxHeldBytes: 512MiB
      policy: release
transforms: []
sinks:
  out:
    type: stdout
    format: ndjson
  d:
    type: datadog
    site: datadoghq.com
    apiKey: "[secret]"
    tags: []
    timeout:
      connect: 10s
    level: 1
  e:
    type: datadog
    site: datadoghq.com
    apiKey: "[secret]"
    tags: []
    timeout:
      connect: 10s
    level: 1
shutdown:
  quietPeriod: 2s
  timeout: 25s
  lastChance: 1500ms
failOnUndelivered: false
memory:
  maxBuffered: 32MiB
maxOpenFiles: 1024
stdin:
  maxBuffered: 256MiB
checkpoints:
  interval: 1s
  compactAt: 1MiB
deadLetters:
  maxBytes: 64MiB
  full: block
log:
  level: info
  format: auto
`,
    });
  });

  test("prints all problems and exits with 78", async () => {
    const result = await check(
      "sources: {app: {include: [/l/x], formt: raw}}\nsinks: {d: {type: datadog, apiKey: $KEY, siet: x}}\n",
    );
    expect(result).toEqual({
      code: 78,
      stdout: "",
      stderr: [
        'tailcar.yaml:1:34: sources.app.formt: unknown option; did you mean "format"?',
        'tailcar.yaml:2:42: sinks.d.siet: unknown option; did you mean "site"?',
        "tailcar.yaml: 2 problems\n",
      ].join("\n"),
    });
  });

  test("says that there is no file", async () => {
    expect(await check(undefined)).toMatchObject({
      code: 78,
      stderr: "tailcar.yaml: cannot be read: no such file or directory\ntailcar.yaml: 1 problem\n",
    });
  });

  test("warns of a directory that the application has yet to make", async () => {
    expect(await check(config("later/*.log", "state"))).toMatchObject({
      code: 0,
      stderr: "tailcar.yaml:3:19: sources.app.include[0]: its directory does not exist yet (warning)\n",
    });
  });

  test("finds a directory that cannot be read", async () => {
    writeFileSync(join(directory, "file"), "");
    expect(await check(config("logs/*.log, file/*.log", "state"))).toMatchObject({
      code: 78,
      stderr:
        "tailcar.yaml:3:31: sources.app.include[1]: its directory cannot be read: a part of the path is not a directory\ntailcar.yaml: 1 problem\n",
    });
  });

  test.for([
    ["file", "cannot be made: a part of the path is not a directory"],
    ["file/state", "cannot be written: a part of the path is not a directory"],
    ["/proc/self/none/state", "cannot be written: permission denied"],
  ])("finds that the state directory %s cannot be used", async ([stateDir, message]) => {
    writeFileSync(join(directory, "file"), "");
    expect(await check(config("logs/*.log", stateDir ?? ""))).toMatchObject({
      code: 78,
      stderr: `tailcar.yaml:1:11: stateDir: ${message}\ntailcar.yaml: 1 problem\n`,
    });
  });

  test("finds a state directory that is read through a symbolic link, even one that is not there yet", async () => {
    symlinkSync(join(directory, "logs"), join(directory, "link"));
    expect(await check(config("logs/*.log", "link/state"))).toMatchObject({
      code: 78,
      stderr:
        "tailcar.yaml:3:19: sources.app.include[0]: reads the same directory as stateDir, through a symbolic link\ntailcar.yaml: 1 problem\n",
    });
  });

  test("looks at the directories without changing them", async () => {
    await check(config("logs/*.log", "state"));
    expect(() => realpathSync(join(directory, "state"))).toThrow("ENOENT");
  });
});
