/**
 * A peer that reads nothing for a minute: what waits for it stays within the limit, other connections go on, and all that was taken is
 * delivered once it reads again.
 *
 *     deno run -A tests/long/stopped_reader.ts [SECONDS]
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { BusyError, startNode, tagged } from "../../mod.ts";
import { type ErlangNode, freePort, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";

const SECONDS = Number(process.argv[2] ?? 60);
const MAX_QUEUE = 64 * 1024 * 1024;
const PIECE = new Uint8Array(32 * 1024).fill(7);

/** Counts what comes to it, in order: `{Next, HighestGap}`. */
const COUNTER = `begin
  register(counting, spawn(fun() ->
    (fun Again(Next, Wrong) ->
      receive
        {part, Next, _} -> Again(Next + 1, Wrong);
        {part, _, _} -> Again(Next, Wrong + 1);
        {count, From} -> From ! {counted, Next, Wrong}, Again(Next, Wrong)
      end
    end)(0, 0)
  end)), ok
end`;

async function counted(erl: ErlangNode): Promise<[number, number]> {
  const result = await erl.eval(
    "begin counting ! {count, self()}, receive {counted, N, Wrong} -> [N, Wrong] end end",
  );
  return JSON.parse(result) as [number, number];
}

const epmdPort = await freePort();
await using node = await startNode("ours@localhost", {
  cookie: COOKIE,
  epmd: { port: epmdPort },
  maxQueue: MAX_QUEUE,
  tickTime: Math.max(60, 2 * SECONDS) * 1000,
});
const args = ["-kernel", "net_ticktime", String(Math.max(60, 2 * SECONDS))];
await using stopped = await startErlang({
  name: "stopped@localhost",
  cookie: COOKIE,
  epmdPort,
  args,
});
await using other = await startErlang({ name: "other@localhost", cookie: COOKIE, epmdPort, args });
for (const erl of [stopped, other]) await erl.eval(COUNTER);
await node.connect(stopped.name);
await node.connect(other.name);

process.kill(stopped.pid, "SIGSTOP");
const end = performance.now() + SECONDS * 1000;
let [sent, refused, toOther, highest] = [0, 0, 0, 0];
while (performance.now() < end) {
  try {
    for (let i = 0; i < 64; i++) {
      node.send({ name: "counting", node: stopped.name }, tagged("part", sent, PIECE));
      sent++;
    }
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    refused++;
    await sleep(10);
  }
  highest = Math.max(highest, node.stats(stopped.name)!.queued);
  node.send({ name: "counting", node: other.name }, tagged("part", toOther++, PIECE));
  await node.rpc(other.name, "erlang", "node", [], { timeout: 5_000 });
}
process.kill(stopped.pid, "SIGCONT");
await node.sendReady(stopped.name);
await node.rpc(stopped.name, "erlang", "node", [], { timeout: 60_000 });
const [arrived, wrong] = await counted(stopped);
const [arrivedThere, wrongThere] = await counted(other);
console.log(
  `${SECONDS} s: ${sent} messages of ${PIECE.length} bytes taken, ${refused} times refused, at most ${highest} of ${MAX_QUEUE} bytes waiting;`,
  `${arrived} arrived (${wrong} out of order), to the other node ${arrivedThere} of ${toOther}`,
);
const fine = arrived === sent && wrong === 0 && arrivedThere === toOther && wrongThere === 0 &&
  refused > 0 && highest <= MAX_QUEUE;
if (!fine) process.exitCode = 1;
