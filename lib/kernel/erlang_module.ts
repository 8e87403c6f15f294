import { Atom, atom } from "../etf/atom.ts";
import { Pid } from "../etf/identifiers.ts";
import { isList } from "../etf/list.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import type { Node } from "../node/node.ts";
import { Behaviour } from "../node/process/behaviour.ts";
import { infoOf, type ProcessInfo } from "../node/process/info.ts";
import type { Process } from "../node/process/process.ts";
import type { Self } from "../node/process/self.ts";
import { withSelf } from "../node/provided/provide.ts";
import { RaisedError } from "../node/provided/raise.ts";
import { WithSelf } from "../node/provided/provide.ts";

const BADARG = atom("badarg");
const UNDEFINED = atom("undefined");
const PROCESS = atom("process");

/**
 * What tools of other nodes ask a node about its processes by rpc, as observer and recon do: `erlang:processes/0`, `registered/0`,
 * `whereis/1`, `is_process_alive/1`, `process_info/1` and `process_info/2`.
 *
 * A peer hears of those processes and names only that the node's option `access` opens to it.
 */
export function provideErlang(node: Node): void {
  const view = (self: Self): View => new View(node, self._process.spawner);
  node.provide("erlang", {
    processes: withSelf((self) => view(self).processes()),
    registered: withSelf((self) => view(self).registered()),
    whereis: withSelf((self, name) => view(self).whereis(name)),
    is_process_alive: withSelf((self, pid) => view(self).find(pid) !== undefined),
    process_info: new WithSelf(
      (self, pid, items) => view(self).processInfo(pid, items),
      [1, 2],
    ),
  });
}

/** What one peer may know of. */
class View {
  readonly #node: Node;
  readonly #peer: string | null;

  constructor(node: Node, peer: string | null) {
    this.#node = node;
    this.#peer = peer;
  }

  processes(): Pid[] {
    const all = [...this.#node._core.processes.values()];
    return all.filter((process) => this.#mayReach(process)).map(({ pid }) => pid);
  }

  registered(): Term[] {
    return this.#node.registered().filter((name) => this.#mayName(name)).map((name) => atom(name));
  }

  whereis(name: Term): Term {
    if (!(name instanceof Atom)) throw badArgument();
    const pid = this.#mayName(name.name) ? this.#node.whereis(name.name) : undefined;
    return pid ?? UNDEFINED;
  }

  /** The process of that pid, where the peer may know of it. */
  find(pid: Term): Process | undefined {
    if (!(pid instanceof Pid) || pid.node !== this.#node.name) throw badArgument();
    const process = this.#node._core.process(pid);
    return process !== undefined && this.#mayReach(process) ? process : undefined;
  }

  /** @param items one, or a list; without them the usual ones. */
  processInfo(pid: Term, items: Term | undefined): Term {
    const process = this.find(pid);
    const asked = items === undefined ? USUAL.map((name) => atom(name)) : items;
    const list = isList(asked) ? asked : [asked];
    // Of one item asked for again and again a short request would make an answer of any length.
    if (list.length > MOST_ITEMS) throw badArgument();
    for (const item of list) if (!isItem(item)) throw badArgument();
    if (process === undefined) return UNDEFINED;
    const info = infoOf(process);
    const made = list.map((item) => tuple(item, valueOf(process, info, item)) as Term);
    if (items === undefined) {
      return made.filter((pair) =>
        !(isTuple(pair) && pair.tag === "registered_name" && isEmpty(pair[1]))
      );
    }
    if (isList(items)) return made;
    // As in Erlang: who asks for the name of a process that has none gets nothing.
    return list[0] === atom("registered_name") && info.name === null ? [] : made[0];
  }

  #mayReach(process: Process): boolean {
    if (this.#peer === null) return true;
    const access = this.#node._access.of(this.#peer);
    return access.allNames || access.mayReachPid(process);
  }

  #mayName(name: string): boolean {
    return this.#peer === null || this.#node._access.of(this.#peer).mayReach(name);
  }
}

function badArgument(): RaisedError {
  return new RaisedError("error", BADARG, []);
}

function isEmpty(term: Term): boolean {
  return isList(term) && term.length === 0;
}

/** What `process_info/1` gives. */
const USUAL = [
  ...[
    "registered_name",
    "current_function",
    "initial_call",
    "status",
    "message_queue_len",
    "links",
  ],
  ...["dictionary", "trap_exit", "error_handler", "priority", "group_leader", "total_heap_size"],
  ...["heap_size", "stack_size", "reductions", "garbage_collection", "suspending"],
];

/**
 * Every item that is answered. What a process of JavaScript has none of (a heap, a stack) is 0, or empty; messages that wait are not
 * shown.
 */
const ITEMS: Readonly<Record<string, (process: Process, info: ProcessInfo) => Term>> = {
  backtrace: () => "",
  binary: () => [],
  catchlevel: () => 0,
  current_function: currentFunction,
  current_location: (process, info) => {
    const [module, name, arity] = currentFunction(process, info) as Term[];
    return tuple(module, name, arity, []) as Term;
  },
  current_stacktrace: () => [],
  dictionary: (process, info) => [
    tuple(atom("$initial_call"), initialCall(process, info)) as Term,
    tuple(atom("$ancestors"), info.parent === null ? [] : [info.parent]) as Term,
  ],
  error_handler: () => UNDEFINED,
  fullsweep_after: () => 0,
  garbage_collection: () => [],
  garbage_collection_info: () => [],
  group_leader: (_process, info) => info.groupLeader,
  heap_size: () => 0,
  initial_call: initialCall,
  label: () => UNDEFINED,
  last_calls: () => false,
  links: (_process, info) => [...info.links],
  memory: () => 0,
  message_queue_data: () => atom("on_heap"),
  message_queue_len: (_process, info) => info.mailbox.waiting,
  messages: () => [],
  min_bin_vheap_size: () => 0,
  min_heap_size: () => 0,
  monitored_by: (_process, info) => [...info.monitoredBy],
  monitors: (_process, info) =>
    info.monitors.map((object) => tuple(PROCESS, object) as unknown as Term),
  parent: (_process, info) => info.parent ?? UNDEFINED,
  priority: () => atom("normal"),
  reductions: (_process, info) => info.handled,
  registered_name: (_process, info) => info.name === null ? [] : atom(info.name),
  sequential_trace_token: () => [],
  stack_size: () => 0,
  status: (_process, info) => STATUS[info.status],
  suspending: () => [],
  total_heap_size: () => 0,
  trace: () => 0,
  trap_exit: (_process, info) => info.trapExit,
};

/** What Erlang calls it. A server that sys has suspended is one that waits. */
const STATUS: Readonly<Record<ProcessInfo["status"], Term>> = {
  idle: atom("waiting"),
  queued: atom("runnable"),
  running: atom("running"),
  waiting: atom("waiting"),
  suspended: atom("waiting"),
  hibernating: atom("waiting"),
  terminating: atom("exiting"),
};

function isItem(item: Term): boolean {
  return item instanceof Atom && Object.hasOwn(ITEMS, item.name);
}

function valueOf(process: Process, info: ProcessInfo, item: Term): Term {
  return ITEMS[(item as Atom).name](process, info);
}

/** How many can be asked for at once: each once, and some twice. */
const MOST_ITEMS = 100;

/** The class, in the place of Erlang's callback module. */
function initialCall(_process: Process, info: ProcessInfo): Term {
  return tuple(atom(info.class || "anonymous"), atom("init"), 1) as Term;
}

function currentFunction(process: Process, info: ProcessInfo): Term {
  if (info.status === "hibernating") return tuple(atom("erlang"), atom("hibernate"), 3) as Term;
  if (info.current !== null) {
    const name = info.current.name ?? info.current.kind;
    return tuple(atom(info.class || "anonymous"), atom(name.slice(0, 255)), 1) as Term;
  }
  const body = process.body._behind ?? process.body;
  const module = body instanceof Behaviour ? body._system.module : "erlang";
  return tuple(atom(module), atom("loop"), 1) as Term;
}
