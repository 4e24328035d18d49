import v8 from "node:v8";

/**
 * Keeps the old generation of the heap as small as the work needs, for the agent sits in every pod: it may grow to twice
 * what lives in it before it is collected, where V8 on a large machine lets it grow to four times.
 * The young generation can only be bounded on the command line: `--max-semi-space-size=8`, as the installed command has it.
 */
export function limitHeap(): void {
  v8.setFlagsFromString("--heap-growing-percent=100");
}
