import { Writable } from "node:stream";

export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

const ERASE_LINE = "\r\u001B[K";
/** A terminal that does not say how wide it is, or says 0, as one that was made by a program does. */
const DEFAULT_COLUMNS = 80;
/** Room behind the live line for the `^C` that a terminal shows: a line that wraps can't be erased any more. */
const MARGIN = 3;

/**
 * The demo's output: lines that stay, and on a terminal one live line below them that is drawn over. What the agent logs
 * on the same terminal passes above the live line.
 */
export class Screen {
  readonly isLive: boolean;
  /** Where the agent's own log goes: stderr. */
  readonly log: Output;
  readonly #stdout: Output;
  #live = "";

  constructor(stdout: Output, stderr: Output) {
    this.#stdout = stdout;
    this.isLive = stdout.isTTY === true;
    this.log = this.isLive && stderr.isTTY === true ? this.#above(stderr) : stderr;
  }

  /** Width of the live line; elsewhere than on a terminal there is no limit. */
  get columns(): number {
    if (!this.isLive) return Number.POSITIVE_INFINITY;
    const { columns = 0 } = this.#stdout;
    return (columns > 0 ? columns : DEFAULT_COLUMNS) - MARGIN;
  }

  print(text: string): void {
    this.#erase();
    this.#stdout.write(`${text}\n`);
    this.#draw();
  }

  /** On a terminal redraws the live line, elsewhere prints it. */
  show(text: string): void {
    if (!this.isLive) return this.print(text);
    this.#erase();
    this.#live = text.length <= this.columns ? text : `${text.slice(0, Math.max(this.columns - 1, 0))}…`;
    this.#draw();
  }

  /** Leaves the live line as it stands and goes on below it. */
  settle(): void {
    if (this.#live !== "") this.#stdout.write("\n");
    this.#live = "";
  }

  #above(stream: Output): Output {
    const through = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#erase();
        stream.write(chunk);
        this.#draw();
        done();
      },
    });
    return Object.assign(through, { isTTY: true });
  }

  #erase(): void {
    if (this.#live !== "") this.#stdout.write(ERASE_LINE);
  }

  #draw(): void {
    if (this.#live !== "") this.#stdout.write(this.#live);
  }
}
