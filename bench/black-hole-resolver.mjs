/**
 * Preloaded into the agent (`--import`): look-ups of names under black-hole.test never come back. Each one occupies a thread
 * of the pool for ever, as a resolver that does not answer does: here by opening the FIFO that BENCH_FIFO names.
 */
import dns from "node:dns";
import { open } from "node:fs";

const { lookup } = dns;

dns.lookup = (hostname, ...rest) =>
  hostname.endsWith("black-hole.test")
    ? open(process.env.BENCH_FIFO ?? "", "r", () => undefined)
    : lookup(hostname, ...rest);
