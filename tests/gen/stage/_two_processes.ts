import process from "node:process";
import { fileURLToPath } from "node:url";
import { atom, Consumer, Producer, ProducerConsumer, startNode, t } from "../../../mod.ts";
import { environment, freePort, poll, run } from "../../_support/erlang.ts";
import { selfCommand } from "../../_support/runtime.ts";

const FAR = fileURLToPath(new URL("./_far_stage.ts", import.meta.url));
const COOKIE = "stages";
const DOUBLER = { name: "doubler", node: "far@localhost" };

/** Looks whether each number is the next one, and keeps none. */
class Counting extends Consumer<number> {
  override readonly events = t.integer;
  count = 0;
  wrong = 0;
  readonly memory: number[] = [];
  #each = 0;
  #done!: () => void;
  #all = 0;

  override init(all: number, done: () => void): void {
    this.#all = all;
    this.#each = Math.ceil(all / 10);
    this.#done = done;
  }

  override handleEvents(events: readonly number[]): void {
    for (const n of events) {
      if (n !== 2 * this.count) this.wrong++;
      this.count++;
      if (this.count % this.#each === 0) this.memory.push(process.memoryUsage().rss);
    }
    if (this.count === this.#all) this.#done();
  }
}

/** What has come of it. */
export interface Flow {
  readonly count: number;
  /** How many were not the one that was to come. */
  readonly wrong: number;
  /** How much memory this program had, after each tenth of the events. */
  readonly memory: readonly number[];
  /** How much the other program had, at the beginning and at the end. */
  readonly far: readonly number[];
  readonly seconds: number;
}

/** Sends so many numbers from here to a stage in another program, and back to a consumer here. */
export async function flow(count: number): Promise<Flow> {
  const epmdPort = await freePort();
  await using node = await startNode("near@localhost", {
    cookie: COOKIE,
    epmd: { port: epmdPort },
  });
  const [program, ...args] = selfCommand(FAR, DOUBLER.node, String(epmdPort), COOKIE);
  await using far = run(program, args, environment(epmdPort));
  const ended = far.exited.then(() => {
    throw new Error(`the other program has ended:\n${far.output()}`);
  });
  ended.catch(() => {});
  await Promise.race([poll(() => far.output().includes("ready"), far), ended]);

  const numbers = function* (): Generator<number> {
    for (let i = 0; i < count; i++) yield i;
  };
  const producer = await node.start(Producer.from(numbers), [], { register: "numbers" });
  let done!: () => void;
  const all = new Promise<void>((resolve) => done = resolve);
  const consumer = await node.start(Counting, [count, done]);
  const counting = node._core.process(consumer.pid)!.body as unknown as Counting;
  const doubler = node.ref(ProducerConsumer, DOUBLER);
  const memory = async (): Promise<number> => await node.call(DOUBLER, atom("memory"), t.integer);
  const atFirst = await memory();
  const before = performance.now();
  await consumer.subscribe(DOUBLER, { cancel: "temporary" });
  await doubler.subscribe(producer, { cancel: "temporary" });
  await Promise.race([all, ended]);
  const seconds = (performance.now() - before) / 1_000;
  const { wrong, memory: here } = counting;
  return { count: counting.count, wrong, memory: here, far: [atFirst, await memory()], seconds };
}
