import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";

/** A file system of its own, mounted for one test. */
export class SmallDisk {
  readonly directory: string;

  /** The test is skipped where mounting is not allowed. */
  static mount(directory: string, kib: number, { skip }: TestContext): SmallDisk {
    mkdirSync(directory, { recursive: true });
    try {
      const options = `size=${kib}k,mode=700`;
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory], { stdio: "ignore" });
    } catch {
      skip("mounting needs root");
    }
    onTestFinished(() => void execFileSync("umount", ["-l", directory]));
    return new SmallDisk(directory);
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  setReadOnly(readOnly: boolean): void {
    execFileSync("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.directory]);
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
  }

  empty(): void {
    rmSync(join(this.directory, "filler"));
  }
}
