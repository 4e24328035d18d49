import type { Readable, Writable } from "node:stream";
import type { SinkDefinition } from "../core/sink-definition.ts";

/** What a command gets from the outside world. */
export interface CommandIo {
  readonly stdin?: (() => Readable) | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths count from. Absolute. */
  readonly cwd: string;
  readonly sinks: readonly SinkDefinition[];
}
