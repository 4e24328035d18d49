import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { withFullRights } from "./rights.ts";

const run = (program: string, args: readonly string[]): void =>
  withFullRights(() => void execFileSync(program, args, { stdio: "ignore" }));

/** A file system of its own. */
export class SmallDisk {
  readonly directory: string;
  isFull = false;

  /** Mounted for one test, which is skipped where mounting is not allowed. */
  static mount(directory: string, kib: number, context: TestContext): SmallDisk {
    const disk = SmallDisk.mountIfAllowed(directory, kib);
    if (disk === undefined) return context.skip("mounting needs root");
    onTestFinished(() => disk.unmount());
    return disk;
  }

  /** Undefined where mounting is not allowed. */
  static mountIfAllowed(directory: string, kib: number): SmallDisk | undefined {
    mkdirSync(directory, { recursive: true });
    try {
      const options = `size=${kib}k,mode=700,uid=${process.geteuid?.() ?? 0}`;
      run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]);
    } catch {
      return undefined;
    }
    return new SmallDisk(directory);
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  unmount(): void {
    run("umount", ["-l", this.directory]);
  }

  setReadOnly(readOnly: boolean): void {
    run("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.directory]);
  }

  resize(kib: number): void {
    execFileSync("mount", ["-o", `remount,size=${kib}k`, this.directory]);
  }

  /** Takes all the space that is left. */
  fill(): void {
    for (let bytes = 1_024 ** 2; bytes > 0; bytes = Math.floor(bytes / 2)) {
      try {
        for (;;) writeFileSync(join(this.directory, "filler"), Buffer.alloc(bytes), { flag: "a" });
      } catch {
        // Full: perhaps something smaller fits.
      }
    }
    this.isFull = true;
  }

  empty(): void {
    rmSync(join(this.directory, "filler"), { force: true });
    this.isFull = false;
  }
}
