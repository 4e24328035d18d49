/*
 * A long file: what may be lost, repeated or out of order is one set of rules over the same few facts.
 */
import { Generation, type Line, type ReadingRules, SURE_MS } from "./generation.ts";
import { type Range, Ranges } from "./ranges.ts";

/** A record as a sink was given it. */
export interface Sighting {
  /** The name that its file was found under, if the sink is told. */
  readonly name: string | undefined;
  /** Where it stands, if the sink is told. */
  readonly offset: number | undefined;
  readonly body: string;
  readonly split?: string | undefined;
}

/** Where a record stands. */
export interface Place {
  readonly generation: Generation;
  readonly from: number;
  readonly to: number;
  /** It stood at the end of its file without a line's end. */
  readonly isUnfinished: boolean;
}

/** A loss as the ledger names it. `head` describes the beginning of the file that it is about. */
export interface NamedLoss {
  readonly sink: string;
  readonly from: number;
  readonly to: number;
  readonly isOf: (generation: Generation) => boolean;
}

/** A cursor as the journal has it. */
export interface DurableCursor {
  readonly sink: string;
  readonly offset: number;
  readonly isOf: (generation: Generation) => boolean;
}

/** Bytes of a sink's account. */
export interface SinkAccount {
  readonly deliveredBytes: number;
  readonly filteredBytes: number;
  readonly deadLetteredBytes: number;
  readonly lostBytes: number;
  readonly pendingBytes: number;
  readonly imbalanceBytes: number;
}

/** What was acknowledged so long before a kill is durable: an interval of the checkpoints, and the steps of the clock. */
const DURABLE_MS = 1_250;

/** A letter that a full disk did not take is tried again after so long. */
const KEEP_AGAIN_MS = 5_500;

/** What is known of one sink in one generation. */
class View {
  /** All that was ever delivered. */
  readonly received = new Ranges();
  readonly refused = new Ranges();
  /** What is in the dead letters. */
  readonly kept = new Ranges();
  readonly lost = new Ranges();
  /** What has its terminal outcome, and whose cursor can't have been rolled back since. */
  readonly terminal = new Ranges();
  /** What the agent that runs now was told to be delivered. */
  answered = new Ranges();
  /** What stands before it must not be delivered again: it was acknowledged, and durable when an agent ended. */
  floor = 0;
  /** How far all was terminal, with the time from which on it was. */
  history: { readonly atMs: number; readonly offset: number }[] = [];
  /** An unfinished line that was sent by the agent that runs now, and the last one of which that is durable. */
  partial: Range | undefined;
  partialSent: Range | undefined;
  /** Where the agent that runs now has got. */
  reached: number | undefined;

  /** How far all lines of the generation are terminal. */
  frontier({ lines }: Generation): number {
    for (const { from, end, isFiltered, isTerminated } of lines) {
      if (!isTerminated || (!isFiltered && !this.terminal.covers(from, end))) return from;
    }
    return lines.at(-1)?.end ?? 0;
  }

  /** Whether it was given the record before. */
  hasUpTo(offset: number, { lines }: Generation): boolean {
    const before = lines.findLast(({ end, isFiltered }) => end <= offset && !isFiltered);
    return before === undefined || this.received.overlaps(before.from, before.end);
  }

  /** What was refused, and was not kept either, has come to nobody. */
  forgetUnkept(): void {
    for (const [from, to] of this.refused.all.flatMap((range) => this.kept.missing(...range))) {
      this.refused.remove(from, to);
      this.received.remove(from, to);
    }
  }

  /** What was durable is so no more. */
  forgetProgress(): void {
    this.floor = 0;
    this.partialSent = undefined;
    this.history = [];
    this.terminal.cutAt(0);
  }

  /** The agent has ended; only what was acknowledged by then is durable. */
  endRun(durableMs: number, inOrder: boolean): void {
    if (inOrder) this.partialSent = this.partial ?? this.partialSent;
    this.partial = undefined;
    const durable = this.history.findLast(({ atMs }) => atMs <= durableMs)?.offset ?? 0;
    this.floor = Math.max(this.floor, durable);
    this.terminal.cutAt(this.floor);
    this.history = [{ atMs: Number.NEGATIVE_INFINITY, offset: this.floor }];
    this.answered = new Ranges();
    this.reached = undefined;
  }
}

interface SinkRules {
  /** One request at a time: the order within a log holds. */
  readonly isOrdered: boolean;
}

export interface OracleOptions {
  /** The agent may have all its files open at the same time. */
  readonly keepsOpen: boolean;
  /** What the agent knows and made durable is seen by what it sends and by its journal; else it follows from the time it had. */
  readonly isObserved: boolean;
  /** The time by the agents' clock, milliseconds. */
  readonly now: () => number;
  readonly rules: ReadingRules;
  /** Whether a pattern names a file. */
  readonly includes: (name: string) => boolean;
}

/**
 * Holds what the sinks got against what was written. It knows the application's side of every event and nothing of the
 * agent's inside; what the agent surely knew follows from the time that it had to look.
 */
export class Oracle {
  readonly generations: Generation[] = [];
  readonly violations: string[] = [];
  readonly #sinks: ReadonlyMap<string, SinkRules>;
  readonly #keepsOpen: boolean;
  readonly #isObserved: boolean;
  readonly #now: () => number;
  readonly #rules: ReadingRules;
  readonly #includes: OracleOptions["includes"];
  readonly #views = new Map<string, Map<Generation, View>>();
  /** When the agent that runs now was started. */
  #startedMs: number | undefined;
  /** Since when the log of a stream has surely been followed. */
  readonly #streams = new Map<string, number>();
  /** The journal was damaged: what the agent knew before may be forgotten. */
  #isDamaged = false;
  /** When the state directory last had no room, and when it had some again, if it has. */
  #full: { readonly fromMs: number; readonly toMs: number | undefined } | undefined;
  /** Batches with refused records that the disk did not take: they wait for that, and are not done with before. */
  #unkept: { readonly sink: string; readonly places: readonly Place[] }[] = [];
  /** The bytes of a loss can't be told, or a size that was never durable: the account is not exact. */
  #isExact = true;

  constructor(sinks: ReadonlyMap<string, SinkRules>, options: OracleOptions) {
    const { keepsOpen, includes, isObserved, now, rules } = options;
    this.#includes = includes;
    this.#rules = rules;
    this.#now = now;
    this.#sinks = sinks;
    this.#keepsOpen = keepsOpen;
    this.#isObserved = isObserved;
  }

  fault(text: string): void {
    if (this.violations.length < 20) this.violations.push(text);
  }

  /** A log begins anew. */
  begin(stream: string, name: string, nowMs: number): Generation {
    const generation = new Generation(this.generations.length, stream, name, nowMs, this.#rules);
    generation.predecessors = this.generations
      .filter((older) => older.stream === stream && older.isKnown && older.isLinked)
      .map((older) => ({ older, size: older.size }));
    this.generations.push(generation);
    return generation;
  }

  rename(generation: Generation, name: string, nowMs: number): void {
    generation.name = name;
    generation.namedMs = nowMs;
  }

  /** No path leads to the bytes any more; who has them open can go on reading them. */
  unlink(generation: Generation): void {
    generation.name = undefined;
    if (this.#startedMs === undefined || !generation.isHeld) this.lose(generation, 0);
  }

  /** The bytes from an offset on are gone. */
  lose(generation: Generation, from: number): void {
    generation.lostFrom = Math.min(generation.lostFrom, from);
    // Whether the end of the line at the cut was delivered with it can't be told.
    if (from > 0) this.#isExact = false;
    if (from === 0) generation.isHeld = false;
  }

  started(nowMs: number): void {
    this.#startedMs = nowMs;
  }

  /** The agent is told to end: what only its descriptors keep can't be kept much longer. */
  stopping(): void {
    for (const generation of this.generations) if (generation.name === undefined) this.lose(generation, 0);
  }

  /** The agent ended in order. Whatever it was told to be delivered is durable. */
  stopped(nowMs: number): void {
    const isDurable = !this.#isFull;
    this.#ended(isDurable ? nowMs : this.#durableMs(nowMs), isDurable);
  }

  killed(nowMs: number): void {
    this.#ended(this.#isObserved ? Number.NEGATIVE_INFINITY : this.#durableMs(nowMs), false);
  }

  /**
   * The next agent takes over a sink. What was delivered behind a batch that is not decided (`isUndecided`), or behind a refused
   * record that could not be kept, is sent again.
   */
  takenOver(sink: string, isUndecided: boolean): void {
    this.#unkept = this.#unkept.filter((batch) => batch.sink !== sink);
    if (!isUndecided && this.#hasRoomSince(this.#now() - SURE_MS)) return;
    for (const view of this.#views.get(sink)?.values() ?? []) view.answered = new Ranges();
  }

  get #isFull(): boolean {
    return this.#full !== undefined && this.#full.toMs === undefined;
  }

  #hasRoomSince(sinceMs: number): boolean {
    return this.#full === undefined || (this.#full.toMs ?? Number.POSITIVE_INFINITY) <= sinceMs;
  }

  /** What had come about by then is durable, whatever happens now. */
  #durableMs(nowMs: number): number {
    const sureMs = nowMs - DURABLE_MS;
    if (this.#hasRoomSince(sureMs)) return sureMs;
    return Math.min(sureMs, (this.#full?.fromMs ?? nowMs) - DURABLE_MS);
  }

  #ended(durableMs: number, inOrder: boolean): void {
    this.#startedMs = undefined;
    this.#settleKept();
    this.#unkept = [];
    // A loss that was named may be forgotten with what told of it.
    if (this.#full !== undefined) this.#isExact = false;
    for (const views of this.#views.values()) for (const view of views.values()) view.endRun(durableMs, inOrder);
    for (const generation of this.generations) {
      generation.isHeld = false;
      generation.mayBeForgotten ||= [...this.#views.values()].some((views) => {
        const view = views.get(generation);
        return view?.received.all.some(([, to]) => to > view.floor) === true;
      });
      if (generation.name === undefined) this.lose(generation, 0);
    }
  }

  damaged(): void {
    this.#isDamaged = true;
    this.#streams.clear();
    for (const generation of this.generations) {
      generation.isKnown = false;
      generation.seen = 0;
      generation.predecessors = [];
    }
    for (const views of this.#views.values()) {
      for (const view of views.values()) {
        view.forgetProgress();
      }
    }
  }

  /** The state directory has no room from now on, or has room again. */
  diskFull(isFull: boolean, nowMs: number): void {
    if (!isFull && this.#full !== undefined) this.#full = { ...this.#full, toMs: this.#full.toMs ?? nowMs };
    if (isFull) this.#full = { fromMs: Math.min(nowMs, this.#durableMs(nowMs) + DURABLE_MS), toMs: undefined };
  }

  /** Time has passed: what the agent must have noticed meanwhile. */
  noticed(nowMs: number): void {
    const sureMs = nowMs - SURE_MS;
    this.#settleKept();
    if (this.#startedMs === undefined || this.#startedMs > sureMs) return;
    const isDurable = this.#hasRoomSince(sureMs);
    for (const generation of this.generations) {
      if (generation.lostFrom === 0) continue;
      const isSeen = generation.name !== undefined && generation.isReadable(sureMs);
      if (isSeen && generation.namedMs <= sureMs && this.isOwed(generation)) {
        generation.isHeld = this.#keepsOpen && generation.lateMs <= sureMs;
        if (isDurable) this.#know(generation, sureMs);
        if (isDurable && !this.#streams.has(generation.stream)) this.#streams.set(generation.stream, nowMs);
      }
      if (isDurable && (generation.isHeld || isSeen) && generation.isKnown)
        generation.seen = Math.max(generation.seen, Math.min(generation.sureSizeAt(nowMs), generation.lostFrom));
    }
  }

  #know(generation: Generation, sureMs: number): void {
    if (generation.isKnown) return;
    generation.isKnown = true;
    const { stream } = generation;
    generation.isLinked = this.generations.some(
      (one) => one.stream === stream && one.name === stream && one.namedMs <= sureMs,
    );
  }

  /** The agent sends what it read of a generation: so it has it open, and made durable before that it knows it, if it could. */
  #observe(generation: Generation): void {
    const { name, lostFrom, isCopy, stream } = generation;
    if (!this.#isObserved || name === undefined || lostFrom === 0 || isCopy) return;
    generation.isHeld = this.#keepsOpen;
    if (!this.#hasRoomSince(this.#now() - SURE_MS)) return;
    this.#know(generation, Number.POSITIVE_INFINITY);
    // That it began after the stream was followed can't be told of what is there by now.
    if (!this.#streams.has(stream)) this.#streams.set(stream, generation.createdMs);
  }

  /** The journal has the cursor of a sink there, so all before it has its terminal outcome for good. */
  durable({ sink, offset, isOf }: DurableCursor): void {
    const [generation, ...others] = this.generations.filter(isOf);
    if (generation === undefined || others.length > 0) return;
    const view = this.#view(sink, generation);
    if (offset <= view.floor) return;
    const open = generation.lines.find(
      ({ end, isFiltered, from, textEnd }) =>
        end <= offset && !isFiltered && this.#missing(view, from, textEnd).length > 0,
    );
    if (open !== undefined)
      this.fault(
        `${sink} has its cursor at ${offset} after ${describe({ generation, from: open.from, to: open.end })}`,
      );
    view.floor = offset;
    if (generation.isKnown) generation.seen = Math.max(generation.seen, Math.min(offset, generation.lostFrom));
  }

  /**
   * Whether a sink has surely got past an offset, so that whoever looks can tell what stands there from other bytes that
   * begin alike.
   */
  isPast(generation: Generation, offset: number, nowMs: number): boolean {
    return [...this.#views.values()].some((views) => {
      const view = views.get(generation);
      if (view === undefined) return false;
      const isLongAgo = view.history.some((entry) => entry.offset >= offset && entry.atMs <= nowMs - DURABLE_MS);
      return view.floor >= offset || (isLongAgo && !this.#isObserved);
    });
  }

  /** Whether the agent must find what a name leads to. */
  isOwed(generation: Generation): boolean {
    const { name, stream, createdMs, isKnown, isHeld, isCopy } = generation;
    if (isKnown || isHeld || (name !== undefined && this.#includes(name))) return true;
    // A copy is younger than the file that was copied, and if nobody saw that before, nothing tells whose it is.
    if (isCopy) return false;
    const followedMs = this.#streams.get(stream);
    return followedMs !== undefined && followedMs <= createdMs && isRotatedName(name, stream);
  }

  /** The place of a record that a sink was given; undefined, and a fault, if it has no business there. */
  receive(sink: string, sighting: Sighting): Place | undefined {
    const { name, offset, body, split } = sighting;
    const places = this.generations.flatMap((generation): Place[] => {
      if (name?.startsWith(generation.stream) === false) return [];
      const offsets = offset === undefined ? generation.offsetsOf(body, split) : [offset];
      return offsets.flatMap((from): Place[] => {
        const to = generation.match(from, body, split);
        if (to === undefined) return [];
        const isPart = split === "first" || split === "middle";
        return [{ generation, from, to, isUnfinished: !isPart && generation.bytes[to - 1] !== 0x0a }];
      });
    });
    if (places.length === 0) {
      this.fault(`${sink} got what nobody wrote: ${JSON.stringify(sighting).slice(0, 200)}`);
      return undefined;
    }
    // Equal lines may stand in several generations: the oldest that lacks it is meant. First come those that the sink has got
    // up to there, and among them those that it must get.
    const legal = places.filter((place) => this.#repeats(sink, place) === undefined);
    const lacking = legal.filter(({ generation, from, to }) => !this.#view(sink, generation).received.covers(from, to));
    const rank = ({ generation, from, to }: Place): number => {
      const isAwaited = to <= generation.lostFrom && this.isOwed(generation);
      return 2 * Number(this.#view(sink, generation).hasUpTo(from, generation)) + Number(isAwaited);
    };
    const place = lacking.toSorted((a, b) => rank(b) - rank(a))[0] ?? legal[0];
    if (place === undefined) {
      const [first] = places;
      if (first !== undefined) this.fault(`${sink} got twice ${describe(first)}: ${this.#repeats(sink, first)}`);
      return first;
    }
    const isSure = places.length === 1;
    this.#see(sink, place, isSure);
    if (isSure) this.#observe(place.generation);
    return place;
  }

  /** Why a record may not be delivered there again, if so. */
  #repeats(sink: string, { generation, from, to }: Place): string | undefined {
    const view = this.#view(sink, generation);
    if (from < view.floor) return `up to ${view.floor} was durable`;
    if (view.answered.overlaps(from, to)) return "it was answered with success";
    const { partialSent } = view;
    if (partialSent?.[0] === from && partialSent[1] === to) return "it was sent unfinished, and is unchanged";
    return undefined;
  }

  /** Of a record that stands in several places (not `isSure`) its order says nothing. */
  #see(sink: string, { generation, from, to }: Place, isSure: boolean): void {
    const view = this.#view(sink, generation);
    if (this.#sinks.get(sink)?.isOrdered === true) {
      if (view.reached === undefined) this.#resumedAt(view, from);
      if (isSure && view.reached !== undefined && from < view.reached && !view.received.covers(from, to))
        this.fault(`${sink} got ${describe({ generation, from, to })} after ${view.reached}`);
      if (isSure) this.#checkPredecessors(sink, generation, from);
      view.reached = Math.max(view.reached ?? 0, from);
    }
    view.received.add(from, to);
  }

  /** In strict order the first record of a run tells where the cursor stood. */
  #resumedAt(view: View, from: number): void {
    for (const [start, end] of view.received.all) view.terminal.add(Math.min(start, from), Math.min(end, from));
    for (const [start, end] of view.refused.all) view.terminal.add(Math.min(start, from), Math.min(end, from));
  }

  /** All that was in the older generations when this one began comes before it. */
  #checkPredecessors(sink: string, generation: Generation, from: number): void {
    for (const { older, size } of generation.predecessors) {
      if (older.lostFrom < Number.POSITIVE_INFINITY) continue;
      // What can't be opened holds up nothing.
      if (!older.isReadable(this.#now() - SURE_MS)) continue;
      const view = this.#view(sink, older);
      const missing = older.lines.find(
        ({ from: start, end, textEnd, isFiltered }) =>
          !isFiltered && end <= size && older.bytes[end - 1] === 0x0a && this.#missing(view, start, textEnd).length > 0,
      );
      if (missing !== undefined) {
        this.fault(
          `${sink} got ${describe({ generation, from, to: from })} before ${describe({ generation: older, from: missing.from, to: missing.end })}`,
        );
      }
    }
  }

  #missing(view: View, from: number, to: number): readonly Range[] {
    return view.received
      .missing(from, to)
      .flatMap(([a, b]) => view.refused.missing(a, b))
      .flatMap(([a, b]) => view.lost.missing(a, b));
  }

  /** The sink has told the agent that these are delivered. */
  answered(sink: string, places: readonly Place[]): void {
    for (const { generation, from, to } of places) this.#view(sink, generation).answered.add(from, to);
  }

  /** Of a batch that was not taken as a whole the agent that goes on knows nothing. */
  withdraw(sink: string, places: readonly Place[]): void {
    for (const { generation, from, to } of places) this.#view(sink, generation).answered.remove(from, to);
  }

  refused(sink: string, { generation, from, to }: Place): void {
    this.#view(sink, generation).refused.add(from, to);
  }

  /** A record is in the dead letters of a sink. */
  kept(sink: string, { name, offset = 0, body, split }: Sighting): void {
    const places = this.generations.flatMap((generation): [Generation, number][] => {
      const to = name?.startsWith(generation.stream) === true ? generation.match(offset, body, split) : undefined;
      return to === undefined ? [] : [[generation, to]];
    });
    if (places.length === 0) this.fault(`${sink} has a letter of what nobody wrote: ${body.slice(0, 200)}`);
    for (const [generation, to] of places) this.#view(sink, generation).kept.add(offset, to);
  }

  /** All of a batch has its terminal outcome. */
  settled(sink: string, places: readonly Place[], nowMs: number): void {
    const isRefused = places.some(({ generation, from, to }) =>
      this.#view(sink, generation).refused.overlaps(from, to),
    );
    if (isRefused && !this.#hasRoomSince(nowMs - KEEP_AGAIN_MS)) this.#unkept.push({ sink, places });
    else this.#settle(sink, places, nowMs);
  }

  /** What waited for room on the disk has surely been kept by now. */
  #settleKept(): void {
    const keptMs = (this.#full?.toMs ?? Number.POSITIVE_INFINITY) + KEEP_AGAIN_MS;
    if (keptMs > this.#now()) return;
    for (const { sink, places } of this.#unkept) this.#settle(sink, places, keptMs);
    this.#unkept = [];
  }

  #settle(sink: string, places: readonly Place[], nowMs: number): void {
    for (const { generation, from, to, isUnfinished } of places) {
      const view = this.#view(sink, generation);
      if (isUnfinished) view.partial = [from, to];
      else view.terminal.add(from, to);
      // What was held up may be settled after others, whose place behind it counts only from then on.
      const atMs = Math.max(nowMs, view.history.at(-1)?.atMs ?? nowMs);
      view.history.push({ atMs, offset: view.frontier(generation) });
    }
  }

  /** The ledger names a loss. */
  lost({ sink, from, to, isOf }: NamedLoss): void {
    const fits = this.generations.filter((generation) => generation.size >= to && isOf(generation));
    const faultOf = (generation: Generation): string | undefined => {
      const view = this.#view(sink, generation);
      if (from < generation.lostFrom) return "the bytes are there";
      if (from < view.floor) return `up to ${view.floor} was delivered`;
      if (view.answered.overlaps(from, to)) return "it was answered with success";
      return undefined;
    };
    const generation = fits.find((candidate) => faultOf(candidate) === undefined);
    if (generation !== undefined) {
      this.#view(sink, generation).lost.add(from, to);
      if (fits.length > 1) this.#isExact = false;
    } else {
      const [first] = fits;
      const reason = first === undefined ? "no such file" : faultOf(first);
      this.fault(`${sink} is said to have lost ${first?.stream ?? "?"} ${first?.id ?? "?"} ${from}-${to}: ${reason}`);
    }
  }

  /** Whether all sinks have everything that they must get before the end: not yet the unfinished last lines. */
  isComplete(): boolean {
    return this.#gaps(({ isTerminated }) => isTerminated).length === 0;
  }

  /** Whether these sinks have everything that they must get, and will not get it again. */
  isDurable(sinks: readonly string[]): boolean {
    return sinks.every((sink) =>
      this.generations.every((generation) => {
        const isMissing = this.#gapsIn(sink, generation, ({ isTerminated }) => isTerminated).length > 0;
        const view = this.#view(sink, generation);
        return !isMissing && view.received.all.every(([, to]) => to <= view.floor || to > view.frontier(generation));
      }),
    );
  }

  /** The last agent has ended in order, with healthy sinks: what is missing, and whether the accounts add up. */
  conclude(accounts: ReadonlyMap<string, SinkAccount>): void {
    // A record that was refused and is in no letter has no outcome.
    for (const views of this.#views.values()) for (const view of views.values()) view.forgetUnkept();
    for (const gap of this.#gaps(() => true)) this.fault(gap);
    // What was delivered and not durable is in no account, once the bytes are gone.
    const isForgotten = this.generations.some(
      ({ mayBeForgotten, lostFrom }) => mayBeForgotten && lostFrom < Number.POSITIVE_INFINITY,
    );
    for (const [sink, account] of accounts) {
      if (account.imbalanceBytes !== 0) this.fault(`${sink} is off balance by ${account.imbalanceBytes}`);
      if (account.pendingBytes !== 0) this.fault(`${sink} has ${account.pendingBytes} bytes pending at the end`);
      if (this.#isExact && !this.#isDamaged && !isForgotten) this.#checkAccount(sink, account);
    }
  }

  #gaps(concerns: (line: Line) => boolean): readonly string[] {
    return [...this.#sinks.keys()].flatMap((sink) =>
      this.generations.flatMap((generation) => this.#gapsIn(sink, generation, concerns)),
    );
  }

  #gapsIn(sink: string, generation: Generation, concerns: (line: Line) => boolean): readonly string[] {
    const { lostFrom, seen } = generation;
    const isOwed = this.isOwed(generation);
    // Lost bytes that the agent surely knew of must be named; others may be.
    const until =
      lostFrom === Number.POSITIVE_INFINITY
        ? isOwed
          ? generation.size
          : 0
        : Math.max(isOwed ? Math.min(lostFrom, generation.size) : 0, seen);
    const view = this.#view(sink, generation);
    return generation.lines.filter(concerns).flatMap(({ from, textEnd, isFiltered }) => {
      if (isFiltered || from >= until) return [];
      return this.#missing(view, from, Math.min(textEnd, until)).map(
        ([a, b]) => `${sink} lacks ${describe({ generation, from: a, to: b })}, and no ledger names it`,
      );
    });
  }

  #checkAccount(sink: string, account: SinkAccount): void {
    let delivered = 0;
    let refused = 0;
    let lost = 0;
    for (const [, view] of this.#views.get(sink) ?? []) {
      const others = new Ranges();
      for (const [from, to] of [...view.lost.all, ...view.refused.all]) others.add(from, to);
      delivered += view.received.bytes - view.received.bytesIn(others);
      refused += view.refused.bytes - view.refused.bytesIn(view.lost);
      lost += view.lost.bytes;
    }
    const expected = { delivered, refused, lost };
    const found = {
      delivered: account.deliveredBytes,
      refused: account.deadLetteredBytes,
      lost: account.lostBytes,
    };
    if (JSON.stringify(expected) !== JSON.stringify(found))
      this.fault(`${sink} accounts for ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }

  #view(sink: string, generation: Generation): View {
    const views = this.#views.get(sink) ?? new Map<Generation, View>();
    this.#views.set(sink, views);
    const view = views.get(generation) ?? new View();
    views.set(generation, view);
    return view;
  }
}

/** What a rotator makes of a name: `a.log.1`, `a.log-20260101-1`. */
const isRotatedName = (name: string | undefined, stream: string): boolean =>
  name !== undefined && /^[.-][\d-]+(?:\.gz)?$/.test(name.startsWith(stream) ? name.slice(stream.length) : "");

const describe = ({ generation, from, to }: Omit<Place, "isUnfinished">): string =>
  `${generation.stream} ${generation.id} (${generation.name ?? "unlinked"}) ${from}-${to} ` +
  JSON.stringify(generation.bytes.toString("latin1", from, Math.min(to, from + 40)));
