import type { Platform, Timer } from "../../platform/contract.ts";
import type { SocketAddress } from "../../transport/contract.ts";

/** What strangers may do to a node: bounds on handshakes that are under way, and on those that fail. */
export interface HandshakeLimits {
  /** Streams that are in their handshake at once. Beyond it the oldest of the address that has the most gives way. Default 1,024. */
  readonly max?: number;
  /** As `max`, of one address. Default 64. */
  readonly maxPerAddress?: number;
  /**
   * Handshakes of one address that may fail in a row; after that its streams are served one at a time for a while, so that floods are
   * cheap and a good peer behind that address still comes in. Default 10.
   */
  readonly failures?: number;
  /** Milliseconds in which that many failures are forgiven, one after another; a handshake that succeeds forgives all. Default 60,000. */
  readonly forgiveness?: number;
  /** Whether `maxPerAddress` and `failures` are for loopback too, where all programs of this machine come from. Default false. */
  readonly loopback?: boolean;
}

/** How a handshake has ended; `neither` speaks for nobody and against nobody. */
export type Outcome = "succeeded" | "failed" | "neither";

/** Addresses whose failures are remembered. */
const MAX_ADDRESSES = 4096;
/** Milliseconds that one of an address that is served one at a time may take. */
const SLOW = 2_000;
/** Milliseconds that it keeps others waiting: who has nothing to say must not be what good peers wait for. */
const HURRY = 100;
/** Milliseconds between one that has failed and the next of such an address: what a flood may cost, and hardly a delay. */
const PAUSE = 10;

interface Bucket {
  /** Failures that are still free. */
  tokens: number;
  at: number;
}

/** A stream that is in its handshake, or waits for its turn. */
export class Visit {
  /** When it came, or its turn has come, on the platform's clock. */
  since: number;
  /** Resolves when it may begin, or has given way; `null` where it may at once. */
  turn: Promise<void> | null = null;
  /** Ends the stream where it has to give way to another one. */
  close: () => void;
  /** Ends one that is served in its turn and slow. */
  timer: Timer | null = null;
  #left: ((outcome: Outcome) => void) | null;
  #resolve: () => void = () => {};

  /** @param left is called once, at the end. */
  constructor(since: number, close: () => void, left: (outcome: Outcome) => void) {
    this.since = since;
    this.close = close;
    this.#left = left;
  }

  /** It is over, or was given up. Only the first counts. */
  leave(outcome: Outcome): void {
    const left = this.#left;
    this.#left = null;
    this.timer?.cancel();
    left?.(outcome);
    this.#resolve();
  }

  /** Ends the stream for others. */
  giveWay(outcome: Outcome): void {
    this.leave(outcome);
    this.close();
  }

  wait(): void {
    this.turn = new Promise((resolve) => this.#resolve = resolve);
  }

  begin(now: number): void {
    this.since = now;
    this.#resolve();
  }
}

/** The streams of one address. */
class Place {
  readonly address: string;
  readonly visits: Set<Visit> = new Set();
  /** Those that wait for their turn. */
  readonly waiting: Visit[] = [];
  /** The one whose turn it is, until it keeps nobody waiting any more. */
  served: Visit | null = null;
  /** Begins the next turn, behind that one or the pause that follows it. */
  timer: Timer | null = null;

  constructor(address: string) {
    this.address = address;
  }

  get isEmpty(): boolean {
    return this.visits.size === 0 && this.timer === null;
  }
}

/**
 * Decides which streams may begin a handshake.
 *
 * An address that has used up its failures is served one at a time, since good peers may be behind it, too. The newest is the
 * next: whoever has waited long has given up already.
 */
export class Admission {
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #limits: Required<HandshakeLimits>;
  readonly #places: Map<string, Place> = new Map();
  readonly #buckets: Map<string, Bucket> = new Map();
  #count = 0;
  #closed = false;

  constructor(platform: Pick<Platform, "now" | "setTimer">, limits: HandshakeLimits = {}) {
    this.#platform = platform;
    this.#limits = { ...DEFAULTS, ...limits };
  }

  /** Streams that are in their handshake, or wait for it. */
  get underWay(): number {
    return this.#count;
  }

  /**
   * Lets a stream begin, at once or when its turn comes. Where there are too many another one gives way.
   *
   * @param close is called where it has to give way itself.
   */
  enter({ host }: SocketAddress, close: () => void): Visit {
    const { maxPerAddress, max } = this.#limits;
    const address = groupOf(host);
    const trusted = isLoopback(host) && !this.#limits.loopback;
    const known = this.#places.get(address);
    if (!trusted && known !== undefined && known.visits.size >= maxPerAddress) {
      const [oldest] = known.waiting.length > 0 ? known.waiting : known.visits;
      oldest.giveWay("neither");
    }
    const place = known ?? new Place(address);
    if (this.#count >= max) this.#makeRoom(place);
    const visit = new Visit(this.#platform.now(), close, (outcome) => {
      this.#left(place, visit, trusted && outcome === "failed" ? "neither" : outcome);
    });
    place.visits.add(visit);
    this.#places.set(address, place);
    this.#count++;
    if (!trusted && this.#tokens(address) < 1) this.#queue(place, visit);
    return visit;
  }

  /** No turn comes any more: whoever waits for one goes on, and has to look whether it may. */
  close(): void {
    this.#closed = true;
    for (const place of [...this.#places.values()]) {
      place.timer?.cancel();
      for (const visit of [...place.waiting]) visit.leave("neither");
    }
  }

  #queue(place: Place, visit: Visit): void {
    if (place.timer === null) return this.#serve(place, visit);
    visit.wait();
    place.waiting.push(visit);
  }

  #serve(place: Place, visit: Visit): void {
    place.served = visit;
    visit.timer = this.#platform.setTimer(SLOW, () => visit.giveWay("failed"), { unref: true });
    this.#turn(place, HURRY);
    visit.begin(this.#platform.now());
  }

  /** The next one begins after so many milliseconds. */
  #turn(place: Place, ms: number): void {
    place.timer = this.#platform.setTimer(ms, () => this.#next(place), { unref: true });
  }

  #left(place: Place, visit: Visit, outcome: Outcome): void {
    const { address } = place;
    this.#count--;
    place.visits.delete(visit);
    if (outcome === "succeeded") this.#buckets.delete(address);
    else if (outcome === "failed") this.#failed(address);
    if (place.served === visit) {
      place.timer?.cancel();
      place.served = place.timer = null;
      if (!this.#closed) this.#turn(place, outcome === "failed" ? PAUSE : 0);
    } else {
      const index = place.waiting.indexOf(visit);
      if (index >= 0) place.waiting.splice(index, 1);
    }
    if (place.isEmpty) this.#places.delete(address);
  }

  #next(place: Place): void {
    place.served = place.timer = null;
    const visit = place.waiting.pop();
    if (visit !== undefined) this.#serve(place, visit);
    else if (place.isEmpty) this.#places.delete(place.address);
  }

  /** The oldest of the address that has the most gives way; whoever is served takes a moment, and those that stall are old. */
  #makeRoom(newcomer: Place): void {
    let most = newcomer;
    for (const place of this.#places.values()) {
      if (place.visits.size > most.visits.size) most = place;
    }
    const [oldest] = most.visits;
    oldest.giveWay("neither");
  }

  #tokens(address: string): number {
    const bucket = this.#buckets.get(address);
    if (bucket === undefined) return this.#limits.failures;
    const { failures, forgiveness } = this.#limits;
    const now = this.#platform.now();
    bucket.tokens = Math.min(failures, bucket.tokens + (now - bucket.at) / forgiveness * failures);
    bucket.at = now;
    return bucket.tokens;
  }

  #failed(address: string): void {
    const tokens = Math.max(0, this.#tokens(address) - 1);
    this.#buckets.delete(address); // those that failed last are last
    this.#buckets.set(address, { tokens, at: this.#platform.now() });
    if (this.#buckets.size <= MAX_ADDRESSES) return;
    const [first] = this.#buckets.keys();
    this.#buckets.delete(first);
  }
}

const DEFAULTS: Required<HandshakeLimits> = {
  max: 1024,
  maxPerAddress: 64,
  failures: 10,
  forgiveness: 60_000,
  loopback: false,
};

/** Whether an address is one of this machine's own, for itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** Who has one IPv6 address has a whole network of 64 bits. */
function groupOf(host: string): string {
  if (!host.includes(":")) return host;
  const [head, tail] = host.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const behind = tail === "" ? 0 : tail.split(":").length;
    while (groups.length + behind < 8 && groups.length < 4) groups.push("0");
  }
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
