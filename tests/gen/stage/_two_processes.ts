import process from "node:process";
import { fileURLToPath } from "node:url";
import { atom, Consumer, phash2, Producer, ProducerConsumer, startNode, t } from "../../../mod.ts";
import { environment, freePort, poll, run } from "../../_support/erlang.ts";
import { selfCommand } from "../../_support/runtime.ts";

const FAR = fileURLToPath(new URL("./_far_stage.ts", import.meta.url));
const COOKIE = "stages";
/** For a program that a busy machine may hold up. */
const PATIENT = { timeout: 60_000 };
const DOUBLER = { name: "doubler", node: "far@localhost" };

/** Into so many partitions the stage in the other program divides what it gives. */
export const PARTITIONS = 4;

/** What has come to all partitions together. */
class Arrived {
  count = 0;
  wrong = 0;
  readonly memory: number[] = [];
  readonly done: Promise<void>;
  readonly #all: number;
  #finish!: () => void;

  constructor(all: number) {
    this.#all = all;
    this.done = new Promise((resolve) => this.#finish = resolve);
  }

  event(isRight: boolean): void {
    if (!isRight) this.wrong++;
    this.count++;
    if (this.count % Math.ceil(this.#all / 10) === 0) this.memory.push(process.memoryUsage().rss);
    if (this.count === this.#all) this.#finish();
  }
}

/**
 * Looks whether each number is one of its partition, and behind the one before, and keeps none. Each number belongs to one partition, so
 * that none has come twice; and when as many have come as were sent, none is lost.
 */
class Counting extends Consumer<number> {
  override readonly events = t.integer;
  #partition = 0;
  #last = -2;
  #arrived!: Arrived;

  override init(partition: number, arrived: Arrived): void {
    this.#partition = partition;
    this.#arrived = arrived;
  }

  override handleEvents(events: readonly number[]): void {
    for (const n of events) {
      const isRight = n > this.#last && n % 2 === 0 && phash2(n, PARTITIONS) === this.#partition;
      this.#last = n;
      this.#arrived.event(isRight);
    }
  }
}

/** What has come of it. */
export interface Flow {
  readonly count: number;
  /** How many were not in their place: of another partition, twice, or before their turn. */
  readonly wrong: number;
  /** How much memory this program had, after each tenth of the events. */
  readonly memory: readonly number[];
  /** How much the other program had, at the beginning and at the end. */
  readonly far: readonly number[];
  readonly seconds: number;
}

/** Sends so many numbers from here to a stage in another program, and back to consumers here, one for each partition. */
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
  const arrived = new Arrived(count);
  const doubler = node.ref(ProducerConsumer, DOUBLER);
  const memory = async (): Promise<number> =>
    await node.call(DOUBLER, atom("memory"), t.integer, PATIENT);
  const atFirst = await memory();
  const before = performance.now();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const consumer = await node.start(Counting, [partition, arrived]);
    await consumer.with(PATIENT).subscribe(DOUBLER, { partition, cancel: "temporary" });
  }
  await doubler.with(PATIENT).subscribe(producer, { cancel: "temporary" });
  await Promise.race([arrived.done, ended]);
  const seconds = (performance.now() - before) / 1_000;
  const { wrong, memory: here } = arrived;
  return { count: arrived.count, wrong, memory: here, far: [atFirst, await memory()], seconds };
}
