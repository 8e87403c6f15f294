/**
 * A node with a stage in the middle, as a program: `doubler` takes numbers and gives twice as much, each to its partition.
 *
 *     _far_stage.ts NAME EPMD_PORT COOKIE
 */
import process from "node:process";
import {
  partitionDispatcher,
  ProducerConsumer,
  type ProducerConsumerOptions,
  startNode,
  t,
} from "../../../mod.ts";
import { PARTITIONS } from "./_two_processes.ts";

class Doubler extends ProducerConsumer<number, number> {
  override readonly events = t.integer;
  override init(): ProducerConsumerOptions<number> {
    return { dispatcher: partitionDispatcher({ partitions: PARTITIONS }) };
  }
  override handleEvents(events: readonly number[]): number[] {
    return events.map((n) => 2 * n);
  }
  override readonly calls = { memory: () => process.memoryUsage().rss };
}

const [name, port, cookie] = process.argv.slice(2);
const node = await startNode(name, { cookie, epmd: { port: Number(port) } });
await node.start(Doubler, [], { register: "doubler" });
console.log("ready");
