import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const IMAGE = `tailcar-test-${process.pid}`;
const LOGS = `${IMAGE}-logs`;
const STATE = `${IMAGE}-state`;
const LOCKED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const VOLUMES = ["--volume", `${LOGS}:/var/log/app:ro`, "--volume", `${STATE}:/var/lib/tailcar`];

const hasEngine = spawnSync("docker", ["version"], { timeout: 10_000 }).status === 0;

const docker = (...args: readonly string[]): string => execFileSync("docker", args, { encoding: "utf8" }).trim();

/** Runs a shell in the image: the volumes live with the engine, which may be on another machine. */
const shell = (...args: readonly string[]): string =>
  docker("run", "--rm", "--volume", `${LOGS}:/var/log/app`, "--entrypoint", "sh", IMAGE, "-c", ...args);

const write = (from: number, to: number): string =>
  shell(`for i in $(seq ${from} ${to}); do echo '{"seq":'$i'}' >> /var/log/app/app.log; done`);

/** Starts the agent, hands it over to `observe`, and stops it as an orchestrator does. */
function run(observe: (container: string) => void): { exitCode: number; seconds: number; out: string; log: string } {
  const container = docker(
    "run",
    "--detach",
    ...LOCKED,
    ...VOLUMES,
    IMAGE,
    "run",
    "--include",
    "/var/log/app/*.log",
    "--sink",
    "stdout",
  );
  try {
    observe(container);
    const startedMs = performance.now();
    docker("stop", "--time", "30", container);
    const seconds = (performance.now() - startedMs) / 1_000;
    const { stdout: out, stderr: log } = spawnSync("docker", ["logs", container], { encoding: "utf8" });
    return { exitCode: Number(docker("inspect", "--format", "{{.State.ExitCode}}", container)), seconds, out, log };
  } finally {
    docker("rm", "--force", container);
  }
}

/** Waits until the container's output has so many lines. */
function awaitLines(container: string, count: number): void {
  const deadlineMs = performance.now() + 30_000;
  while (performance.now() < deadlineMs) {
    const { stdout } = spawnSync("docker", ["logs", container], { encoding: "utf8" });
    if (stdout.split("\n").length - 1 >= count) return;
    spawnSync("sleep", ["0.2"]);
  }
  throw new Error(`${count} lines did not come out`);
}

const sequences = (out: string): readonly number[] =>
  [...out.matchAll(/"attributes":\{"seq":(\d+)\}/g)].map((match) => Number(match[1]));

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe.skipIf(!hasEngine)(
  `the image${hasEngine ? "" : " (skipped: no Docker engine answers)"}`,
  { timeout: 120_000 },
  () => {
    beforeAll(() => {
      docker("build", "--quiet", "--tag", IMAGE, root);
      write(1, 3);
    }, 600_000);

    afterAll(() => {
      docker("volume", "rm", "--force", LOGS, STATE);
      docker("image", "rm", "--force", IMAGE);
    }, 60_000);

    test("holds what it runs and no more", () => {
      const tools = shell("ls node_modules; find . -name '*.d.ts' -o -name '*.map' | head -1");
      expect(tools.split("\n")).toContain("got");
      expect(tools).not.toMatch(/^(?:typescript|vitest|oxlint|prettier|.*\.d\.ts|.*\.map)$/m);
    });

    test("ships as user 1000 on a read-only root, and leaves at once on SIGTERM when all is quiet", () => {
      const result = run((container) => {
        awaitLines(container, 3);
        expect(docker("exec", container, "id", "-u")).toBe("1000");
        expect(docker("exec", container, "sh", "-c", "touch /x 2>&1 || true")).toMatch(/Read-only file system/);
      });
      expect(sequences(result.out)).toEqual(range(1, 3));
      expect(result.log).toMatch(/account of stdout: .* balanced/);
      expect(result).toMatchObject({ exitCode: 0 });
      expect(result.seconds).toBeLessThan(10);
    });

    test("goes on in a new container where the last one ended", () => {
      write(4, 5);
      const { exitCode, out } = run((container) => awaitLines(container, 2));
      expect(sequences(out)).toEqual(range(4, 5));
      expect(exitCode).toBe(0);
    });
  },
);
