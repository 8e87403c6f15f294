import { namesInstead } from "../../_util/fields.ts";
import { DELIVERED } from "../atoms.ts";
import type { Platform } from "../../platform/contract.ts";
import { Globs } from "../globs.ts";
import { type Folded, FoldedLog } from "./folded_log.ts";

/**
 * What some peers may do here. Where a rule says nothing of a matter, it is as without rules.
 *
 * In all patterns `*` stands for any characters: `"web*@10.0.0.5"`, `"demo:*"`, `"worker_*"`.
 */
export interface AccessRule {
  /** The nodes that it is for, by name. Default `"*"`: all for which no rule before it is. */
  readonly peers?: string | readonly string[];
  /**
   * Patterns of `module:function`: what they may spawn and call by rpc of that which is provided. Default `["*"]`. All else is
   * answered as a function that does not exist.
   */
  readonly functions?: readonly string[];
  /**
   * Patterns of registered names that they may send to, call and monitor. Default `["*"]`. All others do not exist for them: a
   * message is dropped, a call and a monitor get `noproc`. The names by which nodes talk (`net_kernel`, `rex`,
   * `global_name_server`, `global_group`, `logger`, `logger_proxy`, `pg`) are open in any case.
   *
   * A process that has a name which is closed cannot be reached by its pid either, which could be guessed: no message, link, monitor
   * or exit signal gets through. Except for peers to which it has itself sent something (a message, a call, a link, a monitor), and
   * by aliases, which it gives away itself. Processes without a name are open, and replies and global names are not looked at.
   */
  readonly names?: readonly string[];
  /**
   * Whether their exit signals, links and changes of the group leader reach every process, as in Erlang. Default true. `false`:
   * only processes that were spawned for them; elsewhere exit signals, messages that read as one (`{'EXIT', Pid, Reason}`) and changes
   * are dropped, and a link gets `noproc`. Whoever may send to a server can still end or suspend it by `sys`: that is what `names` is for.
   * Links that our processes make are not concerned.
   */
  readonly signals?: boolean;
  /**
   * Processes spawned for one of them that may live at a time, children that it has asked supervisors for among them; one more is
   * answered with `system_limit`, or `max_children`. Default 100,000.
   */
  readonly maxSpawned?: number;
  /**
   * Monitors and links that one of them may have on processes here at a time; one more closes the connection. Default 262,144.
   */
  readonly maxWatched?: number;
}

/** The rules' fields, so that a misspelt one does not open what it was to close. */
const FIELDS: Readonly<Record<keyof AccessRule, "patterns" | "boolean" | "number">> = {
  peers: "patterns",
  functions: "patterns",
  names: "patterns",
  signals: "boolean",
  maxSpawned: "number",
  maxWatched: "number",
};

const MAX_SPAWNED = 100_000;
/** Some hundred bytes each. */
const MAX_WATCHED = 262_144;
/** How many peers' rights are kept although nothing needs them. */
const KEPT = 1_000;

/** What nodes need to know each other. What may be asked of these processes is limited by themselves. */
const KERNEL_NAMES: ReadonlySet<string> = new Set([
  "net_kernel",
  "rex",
  "global_name_server",
  "global_group",
  "logger",
  "logger_proxy",
  "pg",
  DELIVERED.name, // nobody's, see `important` of SendOptions
]);
/** Runs for a peer what it names in its arguments, which is looked up, and judged, of its own. */
const KERNEL_MODULE = "erpc";

/** What no rule is for where there are rules: it may be connected, and nothing more. */
const CLOSED: AccessRule = { functions: [], names: [], signals: false };

/** Something that a peer may not do. */
interface Refusal {
  readonly peer: string;
  readonly kind: string;
  /** May come from the peer. */
  readonly what: string;
}

/** Who may do what: the rules of a node. */
export class AccessPolicy {
  /** How much peers were refused. */
  refused = 0;
  readonly #rules: readonly (readonly [Globs, AccessRule])[];
  readonly #platform: Pick<Platform, "now" | "log" | "setTimer">;
  readonly #folded: FoldedLog<Refusal>;
  /** Those that are connected, those for whom a process lives, which may be connected no more and come again, and some others. */
  readonly #known: Map<string, PeerAccess> = new Map();

  /**
   * @param rules the first that is for a peer counts; where there are some, and none is, the peer may do nothing.
   * @throws {TypeError} if a rule is none.
   */
  constructor(
    platform: Pick<Platform, "now" | "log" | "setTimer">,
    rules: readonly AccessRule[] = [{}],
  ) {
    this.#platform = platform;
    this.#folded = new FoldedLog(platform, "other peers", (folded) => this.#tell(folded));
    for (const rule of rules) checkRule(rule);
    this.#rules = rules.map((rule) => [new Globs(listOf(rule.peers ?? "*")), rule]);
  }

  /** What a peer may do. */
  of(peer: string): PeerAccess {
    const known = this.#known.get(peer);
    if (known !== undefined) return known;
    if (this.#known.size >= KEPT) this.#forget();
    const rule = this.#rules.find(([peers]) => peers.fit(peer))?.[1] ?? CLOSED;
    const access = new PeerAccess(rule, (kind, what) => this.#refused({ peer, kind, what }));
    this.#known.set(peer, access);
    return access;
  }

  /** Tells of what was refused since it was last told. */
  close(): void {
    this.#folded.close();
  }

  #refused(refusal: Refusal): void {
    this.refused++;
    const { peer, kind } = refusal;
    if (!this.#folded.isFirst(`${peer} may not ${kind}`, refusal)) return;
    this.#platform.log("warning", `${textOf(refusal)}; see option access`);
  }

  #tell({ count, last }: Folded<Refusal>): void {
    const more = `the last of ${count} more refusals of that kind within a minute`;
    this.#platform.log("warning", `${textOf(last)}, ${more}; see option access`);
  }

  /** Forgets those that can be made anew, since peers may come under any number of names. */
  #forget(): void {
    for (const [peer, access] of this.#known) if (!access.inUse) this.#known.delete(peer);
  }
}

/** What one peer may do. Each question that is answered by no is counted, and logged once in a while. */
export class PeerAccess {
  /** Whether every name is open, so that none has to be asked for. */
  readonly allNames: boolean;
  /** Whether exit signals, links and the like reach every process. */
  readonly signals: boolean;
  readonly maxWatched: number;
  /** Whether there is a connection with it. */
  connected = false;
  readonly #functions: Globs | null;
  readonly #names: Globs | null;
  readonly #maxSpawned: number;
  readonly #refused: (kind: string, what: string) => void;
  readonly #spawned: Set<object> = new Set();
  /** Processes that have sent it something, and so have told it their pids. */
  readonly #known: WeakSet<object> = new WeakSet();

  /** @param refused is called for each refusal; those of one `kind` are told together. */
  constructor(rule: AccessRule, refused: (kind: string, what: string) => void) {
    this.#functions = globsOf(rule.functions);
    this.#names = globsOf(rule.names);
    this.allNames = this.#names === null;
    this.signals = rule.signals ?? true;
    this.#maxSpawned = rule.maxSpawned ?? MAX_SPAWNED;
    this.maxWatched = rule.maxWatched ?? MAX_WATCHED;
    this.#refused = refused;
  }

  /** Whether it is connected, or processes live that were spawned for it. */
  get inUse(): boolean {
    return this.connected || this.#spawned.size > 0;
  }

  /** Whether it may spawn or call what is provided as `module:name`. */
  mayRun(module: string, name: string): boolean {
    if (this.#functions === null || module === KERNEL_MODULE) return true;
    const what = `${module}:${name}`;
    return this.#functions.fit(what) || this.#refuse("call", what);
  }

  /** Whether it may send to that name, and monitor it. */
  mayReach(name: string): boolean {
    if (this.#names === null || KERNEL_NAMES.has(name)) return true;
    return this.#names.fit(name) || this.#refuse("send to", name);
  }

  /** Whether it may send to a process by its pid. */
  mayReachPid(process: { readonly name: string | null }): boolean {
    const { name } = process;
    if (this.#names === null || name === null || KERNEL_NAMES.has(name)) return true;
    return this.#names.fit(name) || this.#known.has(process) || this.#spawned.has(process) ||
      this.#refuse("send to", name);
  }

  /** A process has sent it something. */
  knows(process: object): void {
    this.#known.add(process);
  }

  /** Whether a signal of it may change that process. `signal` names it in the log. */
  maySignal(process: object, signal: string): boolean {
    return this.signals || this.#spawned.has(process) ||
      this.#refuse("send", signal);
  }

  /** Whether one more process may be spawned for it, of which so many others are kept. */
  maySpawn(kept = 0): boolean {
    return Math.max(this.#spawned.size, kept) < this.#maxSpawned ||
      this.#refuse("have more than", `${this.#maxSpawned} processes spawned here`);
  }

  /** A process lives that was spawned for it. */
  spawned(process: object): void {
    this.#spawned.add(process);
  }

  ended(process: object): void {
    this.#spawned.delete(process);
  }

  #refuse(kind: string, what: string): false {
    this.#refused(kind, what);
    return false;
  }
}

function textOf({ peer, kind, what }: Refusal): string {
  return `${peer} may not ${kind} ${JSON.stringify(what.slice(0, 100))}`;
}

function listOf(patterns: string | readonly string[]): readonly string[] {
  return typeof patterns === "string" ? [patterns] : patterns;
}

/** `null` where everything fits. */
function globsOf(patterns: readonly string[] | undefined): Globs | null {
  return patterns === undefined || patterns.includes("*") ? null : new Globs(patterns);
}

function checkRule(rule: AccessRule): void {
  if (typeof rule !== "object" || rule === null) throw wrong("a rule", "an object is needed");
  for (const [field, value] of Object.entries(rule)) {
    if (!Object.hasOwn(FIELDS, field)) {
      const instead = namesInstead(field, Object.keys(FIELDS));
      throw wrong(`a rule's ${field}`, `there is no such field, ${instead}`);
    }
    if (value === undefined) continue;
    const kind = FIELDS[field as keyof AccessRule];
    if (kind === "patterns") {
      const single = field === "peers" && typeof value === "string";
      const list: unknown[] = single ? [value] : Array.isArray(value) ? value : [undefined];
      if (!list.every((pattern) => typeof pattern === "string" && pattern !== "")) {
        throw wrong(`a rule's ${field}`, "a list of patterns is needed");
      }
    } else if (kind === "boolean") {
      if (typeof value !== "boolean") throw wrong(`a rule's ${field}`, "true or false is needed");
    } else if (!(Number.isInteger(value) && value as number >= 0)) {
      throw wrong(`a rule's ${field}`, "a number from 0 on is needed");
    }
  }
}

function wrong(what: string, why: string): TypeError {
  return new TypeError(`Cannot use option access: ${what}: ${why}`);
}
