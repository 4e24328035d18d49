import type { BigIntStats } from "node:fs";
import { dirname } from "node:path";
import { sameBirth } from "./identity.ts";
import { inodeKey, inodeKeyOf, type LogFile } from "./log-file.ts";
import { type StreamEntry, StreamIndex } from "./stream-index.ts";

/** The followed files by id, by inode and by path. One place keeps all of them in step. */
export class FileTable {
  readonly files = new Map<number, LogFile>();
  readonly streams = new StreamIndex();
  readonly #byInode = new Map<string, LogFile>();
  /** Archives, by inode, of files that are read through another way still. */
  readonly #aliases = new Map<string, LogFile>();
  readonly #byPath = new Map<string, LogFile>();
  /** The files that were found through a link, by where it led. */
  readonly #links = new Map<string, LogFile>();

  add(file: LogFile): void {
    this.files.set(file.id, file);
    this.streams.add(file);
    if (file.state === "gone") return;
    this.place(file, file.path);
    if (file.target !== undefined) this.#links.set(file.target, file);
  }

  /** The path leads to the file, which the inode in its identity is. */
  place(file: LogFile, path: string): void {
    this.displace(file);
    file.path = path;
    this.#byPath.set(path, file);
    this.#byInode.set(inodeKeyOf(file.identity), file);
  }

  /** No path leads to the file any more, as far as is known. */
  displace(file: LogFile): void {
    if (this.#byPath.get(file.path) === file) this.#byPath.delete(file.path);
  }

  /** The file's inode is no longer it. */
  detach(file: LogFile): void {
    this.displace(file);
    const key = inodeKeyOf(file.identity);
    if (this.#byInode.get(key) === file) this.#byInode.delete(key);
  }

  /** Returns the file's stream if that has no other file. */
  remove(file: LogFile): StreamEntry | undefined {
    this.detach(file);
    for (const [key, owner] of this.#aliases) if (owner === file) this.#aliases.delete(key);
    this.files.delete(file.id);
    if (file.target !== undefined && this.#links.get(file.target) === file) this.#links.delete(file.target);
    return this.streams.remove(file);
  }

  at(path: string): LogFile | undefined {
    return this.#byPath.get(path);
  }

  /** The link that a followed file was found by, if it led to the path. */
  linkTo(path: string): string | undefined {
    return this.#links.get(path)?.origin.path;
  }

  /** Where the link at a live path has led to. */
  targetsOf(stream: string): readonly string[] {
    return [...this.#links].flatMap(([target, file]) => (file.stream === stream ? [target] : []));
  }

  /** The directories that links lead into. */
  linkTargets(): ReadonlySet<string> {
    return new Set([...this.#links.keys()].map((path) => dirname(path)));
  }

  isPlaced(file: LogFile): boolean {
    return this.#byPath.get(file.path) === file;
  }

  /** The followed file that has this inode, and whether it really is that file: an inode number that was freed is used again. */
  withInode(stats: BigIntStats): { readonly file: LogFile; readonly isSame: boolean } | undefined {
    const file = this.#byInode.get(inodeKey(stats));
    return file && { file, isSame: sameBirth(file.identity, stats) };
  }

  /** Whether the inode is that of a followed file. */
  isFollowed(stats: BigIntStats): boolean {
    return this.withInode(stats)?.isSame === true;
  }

  /** Whether the inode holds the content of a followed file. */
  isKnown(stats: BigIntStats): boolean {
    return this.isFollowed(stats) || this.#aliases.has(aliasKey(stats));
  }

  /** The inode holds a copy of a file that is read through another way still. */
  addAlias(stats: BigIntStats, file: LogFile): void {
    this.#aliases.set(aliasKey(stats), file);
  }
}

const aliasKey = (stats: BigIntStats): string => `${inodeKey(stats)} ${stats.birthtimeNs}`;
