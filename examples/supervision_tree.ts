/**
 * A supervision tree: who is started again when something crashes, who is ended with it, and what happens when that does not help.
 *
 *     deno run -A examples/supervision_tree.ts        bun examples/supervision_tree.ts        node examples/supervision_tree.ts
 *
 * The tree of a shop:
 *
 *     shop (one_for_one)
 *     ├── prices              a server of its own
 *     ├── checkout (rest_for_one)
 *     │   ├── database        the two below need it:
 *     │   ├── cart            they are started anew with it
 *     │   └── payments
 *     └── visitors (simple_one_for_one)   one process for each visitor, started when they come
 */

import {
  atom,
  child,
  GenServer,
  on,
  type ServerRef,
  startNode,
  supervisor,
  type SupervisorRef,
  t,
  tuple,
} from "../mod.ts";

/** Says when it starts and ends; `crash` throws. */
class Part extends GenServer {
  #name = "";
  #done = 0;
  override init(name: string): void {
    this.#name = name;
    this.trapExit = true; // so that terminate runs when its supervisor ends it
    console.log(`    ${name} starts`);
  }
  override terminate(): void {
    console.log(`    ${this.#name} ends`);
  }
  override readonly calls = { work: () => ++this.#done };
  override readonly casts = {
    crash: on(t.text, (why) => {
      throw new Error(why);
    }),
  };
}

const checkout = supervisor({
  strategy: "rest_for_one", //  a child that crashes is started again, and those that were started behind it
  children: ["database", "cart", "payments"].map((name) =>
    child(Part, [name], { id: name, register: name })
  ),
});

const visitors = supervisor({
  strategy: "simple_one_for_one", //  any number of children that are all alike
  children: [child(Part, [], { restart: "temporary" })], //  what a visitor's process has lost is lost
});

const shop = supervisor({
  strategy: "one_for_one", //  the siblings of a child that crashes go on
  intensity: 2, //             the third restart within
  period: 60_000, //           a minute is one too many: the supervisor gives up
  children: [
    child(Part, ["prices"], { id: "prices", register: "prices" }),
    child(checkout, [], { id: "checkout", register: "checkout" }),
    child(visitors, [], { id: "visitors", register: "visitors" }),
  ],
});

// The log, of which only what the supervisors say is shown here: a crash comes with its stack there.
console.error = (line: string) => {
  const [, text] = /Supervisor (.*)$/.exec(line) ?? [];
  if (text !== undefined) console.log(`    ! ${text}`);
};

await using node = await startNode("shop@localhost", { cookie: "only for this example" });

console.log("the tree starts, each child when the one before has started");
const tree = await node.start(shop, [], { register: "shop" });
// From Elixir: Supervisor.which_children({:shop, :shop@localhost}), and all the rest of that module
const desk = await tree.getChild<SupervisorRef>("checkout");
const rooms = await tree.getChild<SupervisorRef>("visitors");

console.log("\nprices crashes: it alone is started again, with a new state");
await crash("prices", tree);

console.log("\nthe database crashes: what was started behind it is ended, and started with it");
await crash("database", desk);

console.log("\nvisitors come and go while the tree runs");
const ann = await rooms.startChild(["Ann's visit"]) as ServerRef<Part>;
await rooms.startChild(["Bob's visit"]);
ann.cast("crash", "Ann has found a bug");
await until(() => !node.isAlive(ann.pid));
console.log(`    visitors: ${(await rooms.countChildren()).active}`);

console.log("\nwhat is not needed is disabled, and comes back when it is");
await tree.disableChild("prices");
console.log(
  `    ${(await tree.whichChildren()).map(({ id, state }) => `${id} ${state}`).join(", ")}`,
);
await tree.enableChild("prices");

console.log(
  "\nprices crashes twice more: one restart too many, and the shop ends, the last child first",
);
const ended = new Promise<unknown>((resolve) => tree.monitor(({ reason }) => resolve(reason)));
await crash("prices", tree);
await crash("prices");
console.log(`\nthe shop has ended with ${await ended}: a supervisor above it would start it anew`);

/** Makes a process crash; `sup` answers when it has done what it does then. */
async function crash(name: string, sup?: SupervisorRef): Promise<void> {
  const pid = node.whereis(name)!;
  node.cast(pid, tuple(atom("crash"), "a bug"));
  await until(() => !node.isAlive(pid));
  await sup?.countChildren();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await node.sleep(1);
}
