/** Writes to its standard output until the sink says anything but `delivered`; then says what, on standard error. */
import { stdout } from "../../../src/sinks/stdout/sink.ts";
import { bodyOf, createSink, never, record } from "../support.ts";

const sink = createSink(stdout, {}, { stdout: process.stdout });
let kind = "delivered";
for (let i = 0; kind === "delivered"; i++) {
  ({ kind } = await sink.send(bodyOf(sink, [record(String(i))]), never()));
}
process.stderr.write(`${kind}\n`);
