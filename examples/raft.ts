/**
 * A map that three nodes have: the one that leads ends, another one goes on, and nothing that was acknowledged is lost.
 *
 *     deno run -A examples/raft.ts        bun examples/raft.ts        node examples/raft.ts
 *
 * Here all three nodes are in one program. In earnest each is on a machine of its own, with `storage: fileStorage("data/stock")`.
 */

import { type Encodable, on, Raft, RaftMap, startNode, t, type Term } from "../mod.ts";

const members = ["shop1@localhost", "shop2@localhost", "shop3@localhost"];
const options = { members, electionTimeout: 300 };

console.log("three nodes, one map");
const nodes = await Promise.all(
  members.map((name) => startNode(name, { cookie: "only for this example" })),
);
const stock = await Promise.all(
  nodes.map((node) => node.start(RaftMap<number>, [options], { register: "stock" })),
);
const first = await stock[0].ready(); // a leader is elected
await stock[0].set("apples", 5);
await stock[1].set("pears", 3); //         whichever member is asked: it is the same map
console.log("  the second node reads:", await stock[1].get("apples"), "apples");
console.log("  5 apples become 4:", await stock[2].compareAndSet("apples", 5, 4));
console.log("  and not once more:", await stock[0].compareAndSet("apples", 5, 4));

console.log(
  "\na state with rules of its own: every member carries out the same commands, in the same order",
);
class Seats extends Raft {
  #taken = new Map<number, string>();
  override readonly commands = {
    take: on(t.integer, t.text, (seat, name) => {
      const by = this.#taken.get(seat);
      if (by !== undefined) throw new Error(`seat ${seat} is ${by}'s`); // whoever asks is told
      this.#taken.set(seat, name);
      return this.#taken.size;
    }),
  };
  override readonly queries = { taken: () => [...this.#taken.keys()].sort() };
  // What a member gets that is new, or was away for long.
  override snapshot(): Encodable {
    return this.#taken;
  }
  override restore(state: Term): void {
    this.#taken = t.map(t.integer, t.text).parse(state);
  }
}
const seats = await Promise.all(
  nodes.map((node) => node.start(Seats, [options], { register: "seats" })),
);
await seats[0].append("take", 7, "Ann");
await seats[1].append("take", 8, "Zoë");
const refused = await seats[2].append("take", 7, "Bob").catch((error) => error.message);
console.log(`  Bob is told: ${refused}`);

console.log("\nthe node that leads the map ends");
const left = stock.filter((_, i) => members[i] !== first);
await nodes[members.indexOf(first)].stop();
await left[0].set("plums", 9); //          as soon as another one leads, which it waits for
const second = await left[0].ready();
console.log("  another one leads:", second !== first);
console.log(
  "  nothing is lost:",
  (await left[1].entries()).map(([key, n]) => `${n} ${key}`).join(", "),
);
const stillThere = seats[members.findIndex((name) => name !== first)];
console.log("  seats taken:", (await stillThere.read("taken")).join(" and "));

await Promise.all(nodes.map((node) => node.stop()));
console.log("the map has survived its leader");
