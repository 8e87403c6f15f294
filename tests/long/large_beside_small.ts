/**
 * How long small calls take while a binary of 48 MiB is under way over the same connection, both ways. Prints the worst, and fails where
 * one takes 250 ms or more.
 *
 *     deno run -A tests/long/large_beside_small.ts
 */
import process from "node:process";
import { type Node, startNode, t, tagged } from "../../mod.ts";
import { type ErlangNode, freePort, startErlang } from "../_support/erlang.ts";
import { type Conformance, COOKIE, loadErlang, startConformance } from "../_support/interop.ts";
import { startDemo, THEIRS } from "../_support/our_side.ts";

const SIZE = 48 * 1024 * 1024;
const ROUNDS = 5;
const WORST = 250;

/** Makes small calls as long as `large` is under way: how many there were, and how long the slowest took, in milliseconds. */
async function besideOurs(node: Node, large: () => Promise<unknown>): Promise<[number, number]> {
  let [count, worst, going] = [0, 0, true];
  const small = async (): Promise<void> => {
    while (going) {
      const before = performance.now();
      await node.call({ name: "counter", node: THEIRS }, tagged("add", 1), t.integer);
      worst = Math.max(worst, performance.now() - before);
      count++;
    }
  };
  const beside = small();
  for (let i = 0; i < ROUNDS; i++) await large();
  going = false;
  await beside;
  return [count, worst];
}

/** The same from Erlang's side. `large` is a fun without arguments. */
async function besideTheirs(
  erl: ErlangNode,
  ours: string,
  large: string,
): Promise<[number, number]> {
  const result = await erl.eval(`begin
    Self = self(),
    Small = spawn(fun() ->
      (fun Again(N, Worst) ->
        Before = erlang:monotonic_time(microsecond),
        _ = gen_server:call({counter, '${ours}'}, {add, 1}, infinity),
        Now = max(Worst, erlang:monotonic_time(microsecond) - Before),
        receive stop -> Self ! {N + 1, Now} after 0 -> Again(N + 1, Now) end
      end)(0, 0)
    end),
    Large = ${large},
    [Large() || _ <- lists:seq(1, ${ROUNDS})],
    Small ! stop,
    receive {N, Worst} -> [N, Worst] end
  end`);
  const [count, worst] = JSON.parse(result) as [number, number];
  return [count, worst / 1000];
}

let failed = false;

function report(what: string, [count, worst]: [number, number]): void {
  const fine = worst < WORST && count >= ROUNDS;
  failed ||= !fine;
  console.log(
    `${what}: ${count} small calls, the slowest ${worst.toFixed(1)} ms${fine ? "" : "  TOO SLOW"}`,
  );
}

async function ours(): Promise<void> {
  const epmdPort = await freePort();
  await using node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: { port: epmdPort },
  });
  await using erl = await startDemo("visible Erlang", epmdPort);
  const echo = { name: "echo", node: THEIRS };
  const large = new Uint8Array(SIZE).fill(7);
  await node.call(echo, tagged("big", 1));
  const options = { timeout: 60_000 };
  report(
    "ours sends",
    await besideOurs(
      node,
      () =>
        node.call({ name: "counter", node: erl.name }, tagged("add", 0)).then(() =>
          node.call(echo, tagged("echo", large), options)
        ),
    ),
  );
  report(
    "ours receives",
    await besideOurs(node, () => node.call(echo, tagged("big", SIZE), options)),
  );
}

async function theirs(conformance: Conformance): Promise<void> {
  const { epmdPort, name } = conformance;
  await using erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort });
  await loadErlang(erl, "demo");
  await erl.eval("demo:start()");
  const call = (request: string): string =>
    `fun() -> gen_server:call({echo, '${name}'}, ${request}, 60000) end`;
  const binary = `binary:copy(<<7>>, ${SIZE})`;
  report("Erlang sends", await besideTheirs(erl, name, call(`{echo, ${binary}}`)));
  report("Erlang receives", await besideTheirs(erl, name, call(`{big, ${SIZE}}`)));
}

await ours();
{
  await using conformance = await startConformance();
  await theirs(conformance);
}
process.exit(failed ? 1 : 0);
