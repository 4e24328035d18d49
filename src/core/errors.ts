/** Exit codes of the agent, as documented in docs/cli.md. */
export const EXIT = { done: 0, failed: 1, usage: 2, undelivered: 75, config: 78 } as const;

/** An error whose message is written for the user: it says what, where and what to do. The command prints it without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Makes a `switch` over a closed union exhaustive: adding a member breaks the build where it is not handled. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}

/** `ENOENT` and the like of a system error, or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** One line that describes anything thrown. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Words for what a person may have to put right; everything else keeps its code. */
const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ELOOP: "too many symbolic links",
  EROFS: "the file system is read-only",
  EIO: "the disk fails",
  EMFILE: "out of file descriptors",
  ENFILE: "out of file descriptors",
};

/** Why a file or directory could not be used, without what the error itself quotes. */
export function describeReadError(error: unknown): string {
  const code = errorCode(error);
  return READ_ERRORS[code ?? ""] ?? code ?? "reading failed";
}
