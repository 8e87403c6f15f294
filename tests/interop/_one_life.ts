/**
 * A whole life of a node, as a program: it joins, talks both ways, stops, and then nothing must keep the program alive.
 *
 *     _one_life.ts NAME EPMD_PORT COOKIE [PEER]
 */
import process from "node:process";
import { GenServer, on, startNode, t, tagged } from "../../mod.ts";

class Counter extends GenServer {
  #count = 0;
  override readonly calls = { add: on(t.integer, (n) => this.#count += n) };

  override init(): void {
    this.every(10_000, () => {});
    this.trapExit = true;
  }
}

const [name, port, cookie, peer] = process.argv.slice(2);
const node = await startNode(name, { cookie, epmd: { port: Number(port) } });
const counter = await node.start(Counter, [], { register: "counter" });
if (await counter.call("add", 2) !== 2) throw new Error("wrong sum");
node.spawn((self) => self.receive()); // waits until the node stops
if (peer !== undefined) {
  if (!await node.ping(peer)) throw new Error("no pong");
  node.monitor({ name: "net_kernel", node: peer }, () => {});
  node.call({ name: "net_kernel", node: peer }, tagged("no_such_call", 1), { timeout: Infinity })
    .catch(() => {});
  for (let i = 0; i < 16; i++) {
    node.send({ name: "life", node: peer }, tagged("part", i, new Uint8Array(1024 * 1024)));
  }
}
console.log("joined");
await node.stop();
console.log("stopped");
