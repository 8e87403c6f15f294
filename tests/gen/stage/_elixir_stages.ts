/**
 * Our stages and those of an Elixir node, both ways. What is there is gen_stage.exs, a GenServer that was written from GenStage's
 * protocol, for GenStage itself is no part of Elixir. What is shown where, "Elixir" being stage_elixir_consumers.test.ts and
 * stage_elixir_producers.test.ts:
 *
 * |                                        | wire.test.ts, each signal | stage_erlang.test.ts | Elixir                |
 * | -------------------------------------- | ------------------------- | -------------------- | --------------------- |
 * | automatic demand                       | both                      | both                 | both                  |
 * | manual demand                          |                           | theirs               | both                  |
 * | the consumer cancels                   | both                      | both                 | both, each mode       |
 * | the producer cancels                   |                           | theirs, each mode    | both, each mode       |
 * | the producer ends                      | both                      | theirs, each mode    | both, each mode       |
 * | the consumer ends                      | both                      | theirs               | both                  |
 * | noproc                                 | both                      | ours                 | both                  |
 * | duplicated and unknown subscription    | both                      | theirs               | both                  |
 * | resubscribe                            | both                      | theirs               | both                  |
 * | demand, broadcast, partition           |                           | ours                 | both                  |
 * | producer and consumer in the middle    |                           | ours                 | both                  |
 * | asked to subscribe, info, buffered     |                           | ours                 | both                  |
 * | consumer supervisor                    |                           |                      | ours                  |
 */
import { test } from "node:test";
import { atom, type CancelMode, type Node, type Term } from "../../../mod.ts";
import { startElixir } from "../../_support/elixir.ts";
import { COOKIE, loadElixir } from "../../_support/interop.ts";
import { openNow } from "../../_support/leaks.ts";
import { OurSide, THEIRS } from "../../_support/our_side.ts";
import { needs } from "../../_support/runtime.ts";
import { ended } from "../../node/_nodes.ts";
import { Counter, instance, Keeper } from "./_stages.ts";

export const skip = needs("elixir", "epmd");
export const before = openNow();
export const ourSide = new OurSide(async (_kind, epmdPort) => {
  const elixir = await startElixir({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await elixir.eval("Logger.configure(level: :none)"); // stages end with all reasons here
  await loadElixir(elixir, "gen_stage.exs");
  return elixir;
});

export const SOURCE = { name: "source", node: THEIRS };
export const SINK = { name: "sink", node: THEIRS };
export const MIDDLE = { name: "middle", node: THEIRS };
export const NUMBERS = "{:numbers, :ours@localhost}";
export const BYE = atom("bye");
export const MODES: readonly CancelMode[] = ["permanent", "transient", "temporary"];

export interface There {
  /** A function of StagePeer: `there("log(:source)")`. */
  (call: string): Promise<string>;
  eval(code: string): Promise<string>;
  /** Asks until the answer is that, for as long as the test may take. */
  until(call: string, answer: string): Promise<void>;
}

/** A test with both nodes; the stages that it has named are ended behind it. */
export function stageTest(title: string, body: (node: Node, there: There) => Promise<void>): void {
  test(title, { skip }, async () => {
    const { node, peer } = await ourSide.get("elixir");
    const call = (code: string): Promise<string> => peer.eval(`StagePeer.${code}`);
    const there = Object.assign(call, {
      eval: (code: string) => peer.eval(code),
      until: (code: string, answer: string) => eventually(() => call(code), answer),
    }) as There;
    try {
      await body(node, there);
    } finally {
      await peer.eval(
        `for name <- [:source, :sink, :sink2, :middle], Process.whereis(name), do: StagePeer.kill(name)`,
      );
      for (const name of ["numbers", "doubler", "keeper", "keeper2", "jobs"]) {
        const pid = node.whereis(name);
        if (pid === undefined) continue;
        const over = ended(node, pid);
        node.exit(pid, atom("kill"));
        await over;
      }
    }
  });
}

export async function eventually(ask: () => unknown, answer: unknown): Promise<void> {
  for (;;) {
    if (await ask() === answer) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export async function keeper(node: Node, register = "keeper"): Promise<{
  readonly ref: Awaited<ReturnType<typeof start>>;
  readonly keeps: Keeper;
  readonly over: Promise<Term>;
}> {
  const ref = await start(node, register);
  return { ref, keeps: instance(node, ref, Keeper), over: ended(node, ref.pid) };
}

function start(node: Node, register: string) {
  return node.start(Keeper, [], { register });
}

export async function counter(node: Node, ...args: Parameters<Counter["init"]>): Promise<Counter> {
  return instance(node, await node.start(Counter, args, { register: "numbers" }), Counter);
}

/** Whether a consumer of that mode ends with that reason. */
export function ends(mode: CancelMode, reason: string): boolean {
  const orderly = reason === ":normal" || reason === ":shutdown" || reason.startsWith("{:shutdown");
  return mode === "permanent" || (mode === "transient" && !orderly);
}

export function upTo(count: number, of = (n: number): number => n): number[] {
  return Array.from({ length: count }, (_, i) => of(i));
}
