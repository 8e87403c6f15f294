import {
  Agent,
  atom,
  child,
  Cron,
  type Encodable,
  event,
  EventHandler,
  EventManager,
  Events,
  GenServer,
  type Node,
  on,
  pool,
  Registry,
  Starter,
  Statem,
  supervisor,
  t,
  TaskSupervisor,
  type Term,
  TermMap,
  type Transition,
  tuple,
} from "../../mod.ts";
import { forever } from "../node/_nodes.ts";
import type { Maker } from "../_support/hostile_frames.ts";

/** The names of the processes that are started, each one of another behaviour. */
export const BEHAVIOURS = [
  "sup",
  "simple",
  "starter",
  "machine",
  "alarms",
  "renderers",
  "registry",
  "topics",
  "agent",
  "cron",
  "tasks",
];

class Simple extends GenServer {
  override init(_name: Term): void {}
  override readonly calls = { echo: on(t.term, (term) => term) };
}

class Machine extends Statem<"off" | "on"> {
  override init(): Transition {
    return this.next("off");
  }
  override readonly states = this.table({
    off: {
      calls: { push: () => this.next("on").stateTimeout(1_000).reply("on") },
      casts: { later: () => this.keep().postpone() },
    },
    on: {
      calls: { push: () => this.next("off").reply("off") },
      casts: { later: () => this.keep() },
      stateTimeout: () => this.next("off"),
    },
  });
}

class Counter extends EventHandler {
  #count = 0;
  override handleEvent(): void {
    this.#count++;
  }
  override readonly calls = { get: () => this.#count };
}

class Alarms extends EventManager {
  override readonly handlers = { counter: Counter };
}

/** One process of each behaviour that answers other nodes. */
export async function startBehaviours(node: Node): Promise<void> {
  const tree = supervisor({
    children: [child(Simple, ["one"], { id: atom("one"), accept: [t.term] })],
  });
  await node.start(tree, [], { register: "sup" });
  const simple = child(Simple, [], { restart: "transient", accept: [t.term] });
  await node.start(supervisor({ strategy: "simple_one_for_one", children: [simple] }), [], {
    register: "simple",
  });
  await node.start(Starter, [{ simple: child(Simple, [], { accept: [t.term] }) }], {
    register: "starter",
  });
  await node.start(Machine, [], { register: "machine" });
  const alarms = await node.start(Alarms, [], { register: "alarms" });
  await alarms.addHandler(Counter, []);
  await node.start(pool(Simple, ["pooled"], { size: 2, maxPerWorker: 1, maxWaiting: 10 }), [], {
    register: "renderers",
  });
  const registry = await node.start(Registry<null>, [{ keys: "unique" }], { register: "registry" });
  const topics = await node.start(Events, [], { register: "topics" });
  node.spawn(async (self) => {
    registry.register(self, "one", null);
    const publisher = topics.registerEvent(self, event("prices", t.term), { buffer: 3 });
    for (let i = 0; i < 5; i++) publisher.publish(i);
    await forever(self);
  });
  await node.start(Agent<number>, [() => 1], { register: "agent" });
  await node.start(Cron, [{
    jobs: [{ name: "nightly", schedule: "0 3 * * *", send: "machine", timeZone: "Europe/Berlin" }],
  }], { register: "cron" });
  await node.start(TaskSupervisor, [], { register: "tasks" });
}

function term(...elements: readonly Encodable[]): Term {
  return tuple(...elements as Term[]) as Term;
}

const mfa = (name: string, ...args: Term[]): Term => term(atom("demo"), atom(name), args);

/** What Erlang asks of them: to whom, and what. */
// deno-fmt-ignore
const REQUESTS: readonly (readonly [name: string, request: (peer: Maker) => Term])[] = [
  ["sup", () => atom("which_children")],
  ["sup", () => atom("count_children")],
  ["sup", () => term(atom("start_child"), new TermMap([[atom("id"), atom("x")], [atom("start"), mfa("loop")], [atom("restart"), atom("permanent")], [atom("shutdown"), 0], [atom("type"), atom("worker")], [atom("modules"), [atom("demo")]], [atom("significant"), false]]) as unknown as Term)],
  ["sup", () => term(atom("start_child"), term(atom("y"), term(atom("Simple"), atom("start_link"), ["one", 7]), atom("temporary"), atom("brutal_kill"), atom("worker"), atom("dynamic")))],
  ...["terminate_child", "restart_child", "delete_child", "get_childspec", "which_child", "enable_child", "disable_child"].flatMap((what) =>
    ["one", "x"].map((id) => ["sup", () => term(atom(what), atom(id))] as const)),
  ["simple", () => term(atom("start_child"), ["two"])],
  ["starter", () => term(atom("start_link"), atom("simple"), ["three"])],
  ["machine", () => atom("push")],
  ["renderers", () => term(atom("echo"), 1)],
  ["registry", () => term(atom("lookup"), "one")],
  ["registry", () => term(atom("whereis_name"), "one")],
  ["registry", (peer) => term(atom("keys"), peer.pid())],
  ["registry", () => atom("count")],
  ["topics", () => term(atom("subscribe"), atom("prices"))],
  ["topics", (peer) => term(atom("unsubscribe"), peer.ref())],
  ...["get", "update", "get_and_update"].map((what) => ["agent", () => term(atom(what), mfa("sum", 2))] as const),
  ["cron", () => atom("jobs")],
  ["cron", () => term(atom("schedule"), 0, 90_000_000)],
  ["cron", () => term(atom("run"), "nightly")],
  ["cron", () => term(atom("disable"), "nightly")],
  ["tasks", (peer) => term(atom("start_task"), [peer.pid(), atom("monitor")], atom("temporary"), atom("undefined"))],
];

/** The commands of gen_event, which are no calls of gen_server. */
// deno-fmt-ignore
const COMMANDS: readonly ((peer: Maker) => Term)[] = [
  () => atom("which_handlers"),
  () => atom("get_modules"),
  () => term(atom("sync_notify"), 1),
  () => term(atom("call"), atom("counter"), atom("get")),
  () => term(atom("add_handler"), term(atom("counter"), 1), []),
  (peer) => term(atom("add_sup_handler"), term(atom("counter"), 2), [], peer.pid()),
  () => term(atom("delete_handler"), atom("counter"), atom("why")),
  () => term(atom("swap_handler"), atom("counter"), atom("why"), term(atom("counter"), 3), []),
  (peer) => term(atom("swap_sup_handler"), term(atom("counter"), 1), atom("why"), term(atom("counter"), 4), [], peer.pid()),
];

/** Messages to them as Erlang sends them. */
export function behaviourMessages(peer: Maker): (readonly [name: string, message: Term])[] {
  const from = (): Term => term(peer.pid(), peer.ref());
  const cast = (what: Term): Term => term(atom("$gen_cast"), what);
  return [
    ...REQUESTS.map(([name, request]) =>
      [name, term(atom("$gen_call"), from(), request(peer))] as const
    ),
    ...COMMANDS.map((command) => ["alarms", term(peer.pid(), from(), command(peer))] as const),
    ["alarms", term(atom("notify"), 7)],
    ["machine", cast(atom("later"))],
    ["renderers", cast(term(atom("echo"), 1))],
    ["topics", cast(term(atom("subscribe"), atom("prices"), peer.pid(), peer.ref()))],
    ["topics", cast(term(atom("unsubscribe"), peer.ref()))],
    ["topics", term(atom("event"), peer.ref(), atom("prices"), 7)],
    ["agent", cast(term(atom("cast"), mfa("sum", 2)))],
    ...BEHAVIOURS.flatMap((name) =>
      [
        [name, term(atom("system"), from(), atom("get_status"))],
        [name, term(atom("system"), from(), atom("get_state"))],
        [name, term(atom("system"), from(), term(atom("debug"), term(atom("log"), true)))],
        [name, term(atom("EXIT"), peer.pid(), atom("normal"))],
        [name, term(atom("hello"), peer.pid())],
      ] as const
    ),
  ];
}
