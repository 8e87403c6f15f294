import type { Platform } from "../../platform/contract.ts";
import type { SocketAddress } from "../../transport/contract.ts";

/** What strangers may do to a node: bounds on handshakes that are under way, and on those that fail. */
export interface HandshakeLimits {
  /** Streams that are in their handshake at once. Beyond it the oldest of the address that has the most gives way. Default 1,024. */
  readonly max?: number;
  /** As `max`, of one address; further ones are closed at once. Default 64. */
  readonly maxPerAddress?: number;
  /** Handshakes of one address that may fail in a row; after that its streams are closed at once for a while. Default 10. */
  readonly failures?: number;
  /** Milliseconds in which that many failures are forgiven, one after another; a handshake that succeeds forgives all. Default 60,000. */
  readonly forgiveness?: number;
  /** Whether `maxPerAddress` and `failures` are for loopback too, where all programs of this machine come from. Default false. */
  readonly loopback?: boolean;
}

/** A stream that is in its handshake. */
export interface Visit {
  /** When it came, on the platform's clock. */
  readonly since: number;
  /** To be called once, at the end. */
  leave(outcome: "succeeded" | "failed" | "neither"): void;
}

/** Addresses whose failures are remembered. */
const MAX_ADDRESSES = 4096;

interface Bucket {
  /** Failures that are still free. */
  tokens: number;
  at: number;
}

/** Decides which streams may begin a handshake. */
export class Admission {
  readonly #platform: Pick<Platform, "now">;
  readonly #limits: Required<HandshakeLimits>;
  readonly #visits: Map<string, Set<() => void>> = new Map();
  readonly #buckets: Map<string, Bucket> = new Map();
  #count = 0;

  constructor(platform: Pick<Platform, "now">, limits: HandshakeLimits = {}) {
    this.#platform = platform;
    this.#limits = { ...DEFAULTS, ...limits };
  }

  /** Streams that are in their handshake. */
  get underWay(): number {
    return this.#count;
  }

  /**
   * Lets a stream begin, unless there are too many, or too many of that address have failed lately.
   *
   * @param close is called where it has to give way to another one; it must call `leave`.
   * @returns the reason as a text where it may not.
   */
  enter({ host }: SocketAddress, close: () => void): Visit | string {
    const { maxPerAddress, max } = this.#limits;
    const address = groupOf(host);
    const trusted = isLoopback(host) && !this.#limits.loopback;
    if (!trusted && this.#tokens(address) < 1) {
      return "too many handshakes from there have failed lately";
    }
    const visits = this.#visits.get(address) ?? new Set();
    if (!trusted && visits.size >= maxPerAddress) {
      return "too many handshakes from there are under way";
    }
    if (this.#count >= max) this.#makeRoom(visits);
    visits.add(close);
    this.#visits.set(address, visits);
    this.#count++;
    let inside = true;
    return {
      since: this.#platform.now(),
      leave: (outcome) => {
        if (!inside) return;
        inside = false;
        this.#count--;
        visits.delete(close);
        if (visits.size === 0) this.#visits.delete(address);
        if (outcome === "succeeded") this.#buckets.delete(address);
        else if (outcome === "failed" && !trusted) this.#failed(address);
      },
    };
  }

  /** The oldest of the address that has the most gives way; whoever is served takes a moment, and those that stall are old. */
  #makeRoom(newcomers: Set<() => void>): void {
    let most = newcomers;
    for (const visits of this.#visits.values()) if (visits.size > most.size) most = visits;
    const [oldest] = most;
    oldest();
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
