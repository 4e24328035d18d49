import dns from "node:dns";
import type { LookupFunction } from "node:net";
import type { Clock } from "../../core/clock.ts";

const TTL_MS = 30_000;

/** More than a sink has sockets. */
const MAX_WAITING = 128;

type Answer = (error: NodeJS.ErrnoException | null, addresses: readonly dns.LookupAddress[]) => void;

/** Resolves a host name to all of its addresses. */
export type Resolve = (hostname: string, answer: Answer) => void;

const resolveWithSystem: Resolve = (hostname, answer) => dns.lookup(hostname, { all: true }, answer);

function matches(wanted: number | string | undefined, family: number): boolean {
  if (wanted === 4 || wanted === "IPv4") return family === 4;
  if (wanted === 6 || wanted === "IPv6") return family === 6;
  return true;
}

interface Resolver {
  readonly find: Resolve;
  readonly forget: () => void;
}

/** All addresses of a host: from memory, from the look-up under way, or from a new one. */
function createResolver(clock: Clock, resolve: Resolve): Resolver {
  // One sink has one host name, so one answer is enough.
  let known: { hostname: string; addresses: readonly dns.LookupAddress[]; expiresAt: number } | undefined;
  const waiting = new Map<string, Answer[]>();

  const find: Resolve = (hostname, answer) => {
    if (known?.hostname === hostname && clock.elapsed() < known.expiresAt) return answer(null, known.addresses);
    const others = waiting.get(hostname);
    if (others !== undefined) {
      // Who has waited longest has given up long ago, if the resolver never answers: each attempt adds one.
      if (others.length >= MAX_WAITING) others.shift()?.(new Error("no answer from the resolver"), []);
      others.push(answer);
      return;
    }
    const waiters = [answer];
    waiting.set(hostname, waiters);
    resolve(hostname, (error, addresses) => {
      waiting.delete(hostname);
      if (error === null) known = { hostname, addresses, expiresAt: clock.elapsed() + TTL_MS };
      for (const waiter of waiters) waiter(error, addresses);
    });
  };
  const forget = (): void => void (known = undefined);
  return { find, forget };
}

export interface Lookup {
  /** For `net.connect`. */
  readonly lookup: LookupFunction;
  /** The host could not be reached: it may have moved. */
  readonly forget: () => void;
}

/**
 * A look-up of host names for one sink. At most one is in flight, however many connections wait for
 * it, and its answer is kept for 30 s: the system's resolver occupies a thread of the shared pool, and a resolver that
 * does not answer must not take them all. It is the system's own (`getaddrinfo`), for the hosts file and the search
 * domains of a cluster matter.
 */
export function createLookup(clock: Clock, resolve: Resolve = resolveWithSystem): Lookup {
  const { find, forget } = createResolver(clock, resolve);
  const lookup: LookupFunction = (hostname, options, callback) => {
    find(hostname, (error, addresses) => {
      if (error !== null) return callback(error, "");
      const wanted = addresses.filter(({ family }) => matches(options.family, family));
      const [first] = wanted;
      if (first === undefined) {
        return callback(Object.assign(new Error(`no address for ${hostname}`), { code: "ENOTFOUND" }), "");
      }
      if (options.all === true) return callback(null, wanted);
      return callback(null, first.address, first.family);
    });
  };
  return { lookup, forget };
}
