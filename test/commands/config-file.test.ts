import { EventEmitter } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigFile } from "../../src/commands/config-file.ts";
import { ReloadWish } from "../../src/commands/reload-wish.ts";
import type { Config } from "../../src/config/schema.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { definitions, sinkhole } from "../config/definitions.ts";
import { sleepingClock } from "../demo/clock.ts";

/** A configuration file in a directory of its own, and what happens to it as the time goes by. */
class FileScene {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-config-")));
  readonly events: AgentEvent[] = [];
  readonly #signals = new EventEmitter();
  readonly #stop = new AbortController();
  readonly #steps: (() => void)[] = [];
  readonly #wish = new ReloadWish(this.#signals);
  readonly #file: ConfigFile;

  constructor(text: string) {
    mkdirSync(join(this.directory, "logs"));
    onTestFinished(() => rmSync(this.directory, { recursive: true }));
    this.write(text);
    const clock = sleepingClock(() => (this.#steps.shift() ?? (() => this.#stop.abort()))());
    const { stream } = sinkhole();
    const io = { stdout: stream, stderr: stream, env: {}, cwd: this.directory, sinks: definitions };
    this.#file = new ConfigFile("tailcar.yaml", { io, clock, emit: (event) => void this.events.push(event) });
  }

  write(text: string, name = "tailcar.yaml"): void {
    writeFileSync(join(this.directory, name), text);
  }

  hangUp(): void {
    this.#signals.emit("SIGHUP", "SIGHUP");
  }

  async load(): Promise<Config | undefined> {
    const loaded = await this.#file.load();
    return loaded.ok ? loaded.config : undefined;
  }

  /** What comes next, when these things happen one after the other while it waits. After them the waiting is stopped. */
  next(running: Config | undefined, ...steps: readonly (() => void)[]): Promise<Config | undefined> {
    this.#steps.push(...steps);
    return this.#file.next(running, this.#wish, this.#stop.signal);
  }

  get told(): readonly string[] {
    return this.events.map((event) => (event.kind === "config.invalid" ? event.problems.join("; ") : event.kind));
  }
}

const yaml = (rest: string): string =>
  `stateDir: state\nsources: {app: {include: [logs/*.log]}}\nsinks: {out: {type: stdout}}\n${rest}`;

const nothing = (): void => {};

test("a change of its content is taken up once it has stayed the same for a moment", async () => {
  const scene = new FileScene(yaml(""));
  const running = await scene.load();
  const next = await scene.next(
    running,
    () => scene.write(yaml("maxOpenFiles: 1\n")),
    () => scene.write(yaml("maxOpenFiles: 12\n")),
    nothing,
    nothing,
  );
  expect(next?.maxOpenFiles).toBe(12);
  expect(scene.events).toEqual([]);
});

test("what means the same is no change, but is said", async () => {
  const scene = new FileScene(yaml(""));
  const running = await scene.load();
  expect(await scene.next(running, () => scene.write(`${yaml("")}# a comment\n`), nothing, nothing)).toBeUndefined();
  expect(scene.told).toEqual(["config.unchanged"]);
});

test("the file that a secret comes from is read again on a signal only", async () => {
  const secret = yaml("").replace("{type: stdout}", "{type: datadog, apiKey: '${file:key}'}");
  const scene = new FileScene(secret);
  scene.write("one\n", "key");
  const running = await scene.load();
  const steps = [() => scene.write("two\n", "key"), nothing, () => scene.hangUp()];
  expect(await scene.next(running, ...steps)).toBeDefined();
  expect(scene.events).toEqual([]);
});

test("problems are told once, and again on a signal; what mends them is taken up although the file stays the same", async () => {
  const scene = new FileScene(yaml(""));
  const running = await scene.load();
  const broken = yaml("resource: {service: '${file:name}'}\n");
  const next = await scene.next(
    running,
    () => scene.write(broken),
    nothing,
    nothing,
    nothing,
    () => scene.hangUp(),
    nothing,
    () => scene.write("checkout\n", "name"),
    nothing,
  );
  expect(next?.resource.service).toBe("checkout");
  const problem = expect.stringMatching(/^tailcar\.yaml:4:\d+: resource\.service: cannot read the file name/);
  expect(scene.told).toEqual([problem, problem]);
});

test("a file that is gone for a moment is waited for", async () => {
  const scene = new FileScene(yaml(""));
  const running = await scene.load();
  const replace = [
    () => rmSync(join(scene.directory, "tailcar.yaml")),
    () => scene.write(yaml("log: {level: debug}\n")),
    nothing,
    nothing,
  ];
  expect((await scene.next(running, ...replace))?.log.level).toBe("debug");
  expect(scene.events).toEqual([]);
});

test("without a running configuration the first valid one is taken, and nothing else ends the waiting but the wish to stop", async () => {
  const scene = new FileScene("sinks: 1\n");
  expect(await scene.load()).toBeUndefined();
  expect(await scene.next(undefined, nothing, () => scene.write(yaml("")), nothing, nothing)).toBeDefined();
  expect(scene.told.length).toBe(1);
});
