/**
 * A node with a stage in the middle, as a program: `doubler` takes numbers and gives twice as much.
 *
 *     _far_stage.ts NAME EPMD_PORT COOKIE
 */
import process from "node:process";
import { ProducerConsumer, startNode, t } from "../../../mod.ts";

class Doubler extends ProducerConsumer<number, number> {
  override readonly events = t.integer;
  override handleEvents(events: readonly number[]): number[] {
    return events.map((n) => 2 * n);
  }
  override readonly calls = { memory: () => process.memoryUsage().rss };
}

const [name, port, cookie] = process.argv.slice(2);
const node = await startNode(name, { cookie, epmd: { port: Number(port) } });
await node.start(Doubler, [], { register: "doubler" });
console.log("ready");
