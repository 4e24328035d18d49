import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { onTestFinished, type TestContext } from "vitest";

const IMAGE_BYTES = 4 * 1_024 ** 2;

const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { stdio: ["ignore", "pipe", "ignore"] })
    .toString()
    .trim();

/**
 * A file system of its own that turns read-only under those who have files of it open, as one does whose disk fails. To mount
 * it anew as read-only would not do: the kernel refuses that as long as a file is open for writing.
 */
export class BreakableDisk {
  readonly #directory: string;
  #image: string;

  /** `image` is the path of the file that holds it. The test is skipped where mounting is not allowed. */
  static mount(directory: string, image: string, { skip }: TestContext): BreakableDisk {
    const disk = new BreakableDisk(directory, image);
    mkdirSync(directory, { recursive: true });
    try {
      writeFileSync(image, "");
      truncateSync(image, IMAGE_BYTES);
      run("mkfs.ext4", "-q", "-F", image);
      disk.#mount();
    } catch {
      skip("mounting an image of ext4 needs root and loop devices");
    }
    return disk;
  }

  private constructor(directory: string, image: string) {
    this.#directory = directory;
    this.#image = image;
  }

  /** An error of the file system, upon which the kernel takes no more writes to it. */
  break(): void {
    const device = basename(run("findmnt", "-no", "SOURCE", this.#directory));
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, "1");
  }

  /** What was on it is there again, on another disk that is mounted over it. Whoever has a file open has one of the broken disk. */
  replace(): void {
    const copy = `${this.#image}.copy`;
    copyFileSync(this.#image, copy);
    this.#image = copy;
    this.#mount();
  }

  #mount(): void {
    run("mount", "-o", "loop,errors=remount-ro", this.#image, this.#directory);
    onTestFinished(() => void run("umount", "-l", this.#directory));
  }
}
