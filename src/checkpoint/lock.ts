import { constants } from "node:fs";
import { access, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { describeError, errorCode, UserError } from "../core/errors.ts";
import { makeDirectory } from "../core/make-directory.ts";

/** How often the holder shows that it is alive, for agents on other nodes. */
const HEARTBEAT_MS = 2_000;

/** How long two agents that start in the same instant wait for each other's attempt before one gives in. */
const CONTENTION_MS = 500;

/**
 * One agent per state directory. The lock is a kernel record lock, taken through SQLite because Node has no call for
 * it: the kernel frees it when the process dies, however it dies, and no file left behind can fake it.
 * Record locks end at the kernel's border, so `owner.json` also names the holder and its boot; a directory whose holder
 * runs on another node keeps having its owner file touched, and is refused.
 */
export class StateLock {
  readonly #directory: string;
  #held: Held | undefined;
  #holding: Promise<void> | undefined;
  readonly #stop = new AbortController();
  readonly #heartbeat: Promise<void>;

  static async acquire(directory: string, clock: Clock): Promise<StateLock> {
    try {
      await makeDirectory(directory, 0o700);
    } catch (error) {
      throw new UserError(
        `state directory ${directory} can't be made: ${describeError(error)}; set stateDir to a writable path`,
      );
    }
    const held = await lockIfWritable(directory);
    const ownerPath = join(directory, "owner.json");
    const bootId = await readBootId();
    try {
      await refuseOtherNode(ownerPath, bootId, directory, clock);
      await writeOwner(directory, bootId);
    } catch (error) {
      held?.database.close();
      throw error;
    }
    return new StateLock(directory, held, clock);
  }

  private constructor(directory: string, held: Held | undefined, clock: Clock) {
    this.#directory = directory;
    this.#held = held;
    this.#heartbeat = this.#beat(join(directory, "owner.json"), clock, this.#stop.signal);
  }

  async release(): Promise<void> {
    this.#stop.abort();
    await this.#heartbeat;
    this.#held?.database.close();
  }

  /**
   * Takes the lock where it is not held: the directory could not be written to at first, or another one has come in its
   * place since. Whoever writes to the directory calls it before. Rejects with a UserError if another agent has the lock.
   * Still without effect where nothing can be written.
   */
  hold(): Promise<void> {
    // One at a time: a second attempt would find the lock taken by the first.
    this.#holding ??= this.#hold().finally(() => (this.#holding = undefined));
    return this.#holding;
  }

  async #hold(): Promise<void> {
    if (this.#held !== undefined && (await lockInode(this.#directory)) === this.#held.inode) return;
    const held = await lockIfWritable(this.#directory);
    if (held === undefined) return;
    const former = this.#held;
    this.#held = held;
    try {
      former?.database.close();
    } catch {
      // Its disk is gone, and the lock with it.
    }
    await writeOwner(this.#directory, await readBootId());
  }

  async #beat(ownerPath: string, clock: Clock, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await clock.sleep(HEARTBEAT_MS, stop);
      if (stop.aborted) return;
      // The directory may be writable by now. If it is not to be had, that is told where it is written to.
      await this.hold().catch(() => undefined);
      const now = new Date(clock.now());
      // Failing to touch the file (a full or read-only disk) must not end the agent; the record lock still stands.
      await utimes(ownerPath, now, now).catch(() => undefined);
    }
  }
}

/** A lock that is held, and the file that it is a lock of. */
interface Held {
  readonly database: DatabaseSync;
  readonly inode: string | undefined;
}

/** Which file the directory's lock is; undefined if there is none. */
const lockInode = (directory: string): Promise<string | undefined> =>
  stat(join(directory, "lock"), { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );

async function lock(directory: string): Promise<Held> {
  const database = lockDatabase(join(directory, "lock"), directory);
  return { database, inode: await lockInode(directory) };
}

/** A directory that can't be written to needs no lock: whoever runs there changes nothing. It is taken later, if it can be. */
async function lockIfWritable(directory: string): Promise<Held | undefined> {
  try {
    return await lock(directory);
  } catch (error) {
    if (await isWritable(directory)) throw error;
    return undefined;
  }
}

const isWritable = (directory: string): Promise<boolean> =>
  access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );

/** Names the holder for people and for agents on other nodes. On a full disk it stays the one before. */
async function writeOwner(directory: string, bootId: string): Promise<void> {
  const path = join(directory, "owner.json");
  const owner: z.output<typeof ownerSchema> = { pid: process.pid, host: hostname(), bootId };
  try {
    await writeFile(`${path}.new`, JSON.stringify(owner), { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function lockDatabase(path: string, directory: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: CONTENTION_MS });
    // Not `locking_mode=EXCLUSIVE`: one that waits would keep its shared lock, and two that start at once would each wait
    // for the other to let go.
    database.exec("PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    const reason = describeError(error);
    throw new UserError(
      reason.includes("locked")
        ? `state directory ${directory} is in use by another tailcar; give each agent a stateDir of its own`
        : `state directory ${directory} can't be locked: ${reason}; set stateDir to a writable path`,
    );
  }
}

/** After a reboot the owner file has another boot id too, but then nobody touches it. */
async function refuseOtherNode(ownerPath: string, bootId: string, directory: string, clock: Clock): Promise<void> {
  const owner = await readOwner(ownerPath);
  if (owner === undefined || owner.bootId === bootId) return;
  const before = (await stat(ownerPath)).mtimeMs;
  await clock.sleep(2 * HEARTBEAT_MS + CONTENTION_MS);
  if ((await stat(ownerPath)).mtimeMs === before) return;
  throw new UserError(
    `state directory ${directory} is in use by tailcar on ${owner.host} (pid ${owner.pid}); give each agent a stateDir of its own`,
  );
}

const ownerSchema = z.object({ pid: z.number(), host: z.string(), bootId: z.string() });

/** The holder that the file names. A half-written file names nobody; the kernel's lock is held already. */
async function readOwner(path: string): Promise<z.output<typeof ownerSchema> | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Not JSON.
    return undefined;
  }
}

async function readBootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    // Not Linux: there the record lock is all there is.
    return "unknown";
  }
}
