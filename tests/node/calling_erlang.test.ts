/** `gen_server:multi_call` of Erlang to servers of ours that refuse: each release tags its calls in another way. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  Agent,
  atom,
  type Encodable,
  GenServer,
  type Node,
  on,
  pool,
  startNode,
  t,
} from "../../mod.ts";
import { needsErlang, startEpmd, startErlang } from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const OURS = "ours@localhost";

class Counter extends GenServer {
  override readonly calls = {
    add: on(t.integer, (n) => n),
    bad: on(() => Symbol("no term") as unknown as Encodable),
  };
}

async function withErlang(
  body: (node: Node, eval_: (expressions: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  await using epmd = await startEpmd();
  await using erl = await startErlang({ name: "b@localhost", cookie: COOKIE, epmdPort: epmd.port });
  await using node = await startNode(OURS, {
    cookie: COOKIE,
    epmd: { port: epmd.port },
    signals: false,
    log: { sinks: {} },
  });
  assertEquals(await erl.eval(`net_adm:ping('${OURS}')`), "pong");
  await body(node, (expressions) => erl.eval(expressions));
}

/** What a process has that watches the server, as others may, and then calls: the result, or that none has come. */
function multiCall(server: string, request: string, timeout = ""): string {
  return `begin
    Self = self(),
    Pid = spawn(fun() ->
      OnName = monitor(process, {${server}, '${OURS}'}),
      Result = gen_server:multi_call(['${OURS}'], ${server}, ${request}${timeout}),
      Kept = receive {'DOWN', OnName, _, _, _} -> false after 0 -> true end,
      Self ! {self(), Result, Kept}
    end),
    receive {Pid, Result, Kept} -> {Result, Kept} after 20000 -> hangs end
  end`;
}

const REFUSED = `{{[],[${OURS}]},true}`;

test(
  "multi_call counts a server that refuses as a bad node, whatever refuses",
  { skip: needsErlang },
  () =>
    withErlang(async (node, ask) => {
      await node.start(Counter, [], { register: "counter" });
      await node.start(Agent<number>, [() => 0], { register: "agent" });
      await node.start(pool(Counter, [], { size: 2 }), [], { register: "pool" });
      const full = node.spawn(() => new Promise(() => {}), {
        register: "full",
        mailbox: { max: 1 },
      });
      node.send(full, 1);
      assertEquals(await ask(multiCall("counter", "{add, 3}")), `{{[{${OURS},3}],[]},true}`);
      for (const timeout of ["", ", 60000"]) {
        for (
          const [server, request] of [
            ["counter", "nonsense"],
            ["counter", "{add, three}"],
            ["counter", "bad"],
            ["agent", "nonsense"],
            ["pool", "nonsense"],
            ["pool", "bad"],
            ["full", "nonsense"],
          ] as const
        ) {
          assertEquals(
            await ask(multiCall(server, request, timeout)),
            REFUSED,
            `${server}, ${request}`,
          );
        }
      }
      node.exit(full, atom("kill"));
    }),
);

testNothingIsLeft();
