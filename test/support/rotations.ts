/*
 * A long file: the ways of rotating stand side by side, for a matrix has to be read as a table.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

interface Way {
  readonly name: string;
  /** The directives of logrotate. Without them the application rotates itself, by switching a link. */
  readonly directives?: readonly string[];
  /** Names of generations, as globs. */
  readonly generations: readonly string[];
  /** The writer keeps its own offset: after a truncation it leaves a hole. */
  readonly keepsOffset?: true;
  /** The writer goes on writing to the file it has for a while after the rotation. */
  readonly lingers?: true;
  /** Directories that generations are moved to. */
  readonly dirs?: readonly string[];
  /** Rotations in each step; otherwise one. */
  readonly times?: number;
  /** Of a generation that came and went while nobody looked nothing is left, or nothing by which it could be known. */
  readonly leavesNothing?: true;
}

export const WAYS: readonly Way[] = [
  { name: "create", directives: ["create 0644", "rotate 9"], generations: ["app.log.*"] },
  { name: "copytruncate", directives: ["copytruncate", "rotate 9"], generations: ["app.log.*"] },
  { name: "sparse", directives: ["copytruncate", "rotate 9"], generations: ["app.log.*"], keepsOffset: true },
  { name: "delete", directives: ["create 0644", "rotate 0"], generations: ["app.log.*"], leavesNothing: true },
  {
    name: "dateext",
    directives: ["create 0644", "rotate 9", "dateext", "dateformat -%Y%m%d-%s"],
    generations: ["app.log-*"],
  },
  { name: "compress", directives: ["create 0644", "rotate 9", "compress"], generations: ["app.log.*"] },
  {
    name: "delaycompress",
    directives: ["create 0644", "rotate 9", "compress", "delaycompress"],
    generations: ["app.log.*"],
    lingers: true,
  },
  { name: "shift", directives: ["create 0644", "rotate 6"], generations: ["app.log.*"], times: 2 },
  { name: "symlink", generations: ["current-*.log"] },
  {
    name: "olddir",
    directives: ["create 0644", "rotate 9", "olddir old"],
    generations: ["old/app.log.*"],
    dirs: ["old"],
  },
];

/** An application that writes numbered lines and has its log rotated in one way. */
export class RotatedLog {
  readonly way: Way;
  readonly directory: string;
  /** Lines written so far; the numbers begin at 0. */
  written = 0;
  #fd: number;
  #offset = 0;
  #switches = 0;

  constructor(way: Way, logs: string) {
    this.way = way;
    this.directory = join(logs, way.name);
    mkdirSync(this.directory, { mode: 0o755 });
    for (const dir of way.dirs ?? []) mkdirSync(join(this.directory, dir), { mode: 0o755 });
    if (way.directives === undefined) this.#switchLink();
    this.#fd = this.#open();
  }

  /** Where the application writes. */
  get path(): string {
    return join(this.directory, this.way.directives === undefined ? "current.log" : "app.log");
  }

  /** Bytes in the file at the live path. */
  get size(): number {
    return statSync(this.path).size;
  }

  /** The source of a configuration that follows it. */
  source(withGenerations: boolean): object {
    const generations = withGenerations ? this.way.generations.map((glob) => join(this.directory, glob)) : [];
    const rotated = { grace: "2s", dirs: this.way.dirs ?? [] };
    return { include: [this.path, ...generations], format: "raw", rotated };
  }

  write(lines: number): void {
    for (const end = this.written + lines; this.written < end; this.written += 1) {
      const line = Buffer.from(`${this.way.name} ${this.written} ${"x".repeat(60)}\n`);
      this.#offset += writeSync(this.#fd, line, 0, line.length, this.way.keepsOffset ? this.#offset : null);
    }
  }

  rotate(): void {
    for (let time = 0; time < (this.way.times ?? 1); time += 1) {
      if (time > 0) this.write(3);
      if (this.way.directives === undefined) this.#switchLink();
      else logrotate(this.directory, this.path, this.way.directives);
      if (this.way.lingers) this.write(4);
      this.#reopen();
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Opens the path anew, if another file is there now. */
  #reopen(): void {
    if (existsSync(this.path) && statSync(this.path).ino === fstatSync(this.#fd).ino) return;
    closeSync(this.#fd);
    this.#fd = this.#open();
  }

  #open(): number {
    this.#offset = 0;
    return openSync(this.path, this.way.keepsOffset ? "w" : "a", 0o644);
  }

  /** Makes the next file, and a link to it that takes the place of the one before at once. */
  #switchLink(): void {
    this.#switches += 1;
    const target = join(this.directory, `current-${this.#switches}.log`);
    writeFileSync(target, "", { flag: "a" });
    symlinkSync(target, `${this.path}.new`);
    renameSync(`${this.path}.new`, this.path);
  }
}

function logrotate(directory: string, path: string, directives: readonly string[]): void {
  const config = `${directory}.conf`;
  writeFileSync(config, `${path} {\n${directives.map((line) => `  ${line}\n`).join("")}}\n`, { mode: 0o644 });
  execFileSync("logrotate", ["--force", "--state", `${directory}.state`, config]);
}
