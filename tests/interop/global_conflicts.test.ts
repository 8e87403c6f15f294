/** What becomes of a name that both parts of a cluster have when they meet. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { atom, format, type GlobalOptions, type Node, type Pid, type Term } from "../../mod.ts";
import { type ErlangNode, needsErlang as skip, poll } from "../_support/erlang.ts";
import { GlobalCluster, haveNames, whole } from "../_support/global.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

/** Two processes that have the name `both`, and what is sent to them. */
interface Both {
  readonly ours: Node;
  readonly erl: ErlangNode;
  /** The name of our process in Erlang. */
  readonly pid: Pid;
  readonly messages: string[];
}

/** Registers a name on both sides, and connects them. */
async function conflict(
  cluster: GlobalCluster,
  ourName: string,
  resolve: GlobalOptions["resolve"],
  method: string,
): Promise<Both> {
  const ours = await cluster.ours(ourName);
  const erl = await cluster.erlang("m");
  const messages: string[] = [];
  const pid = ours.spawn(async (self) => {
    for await (const message of self) messages.push(format(message));
  });
  assertEquals(await ours.global.register("both", pid, { resolve }), true);
  assertEquals(await ours.global.register("only_ours", ours.spawn(waits)), true);
  assertEquals(
    await erl.eval(`begin
      register(theirs, spawn(fun Loop() -> receive
        {report, From} -> From ! {messages, get()}, Loop();
        Message -> put(Message, true), Loop()
      end end)),
      {global:register_name(both, whereis(theirs), fun global:${method}/3),
        global:register_name(only_theirs, whereis(init))}
    end`),
    "{yes,yes}",
  );
  await ours.connect(erl.name);
  await whole(ours, erl);
  return { ours, erl, pid, messages };
}

async function waits(self: { receive(): Promise<Term> }): Promise<void> {
  await self.receive();
}

/** What Erlang's process has got. */
function theirMessages(erl: ErlangNode): Promise<string> {
  return erl.eval("begin theirs ! {report, self()}, receive {messages, M} -> M end end");
}

function isAliveThere(erl: ErlangNode): Promise<string> {
  return erl.eval("whereis(theirs) =/= undefined");
}

function nodeOfBoth(erl: ErlangNode): Promise<string> {
  return erl.eval("node(global:whereis_name(both))");
}

// The node whose name is less decides, and with the methods of OTP its process wins.
for (const ourName of ["a", "z"]) {
  const weWin = ourName === "a";
  const who = weWin ? "we decide" : "Erlang decides";

  test(`one of two processes is killed, ${who}`, { skip }, async () => {
    await using cluster = await GlobalCluster.start();
    const { ours, erl, pid } = await conflict(cluster, ourName, undefined, "random_exit_name");
    await haveNames([ours, erl], "[both,only_ours,only_theirs]");
    await poll(async () => weWin ? await isAliveThere(erl) === "false" : !ours.isAlive(pid));
    assertEquals(ours.isAlive(pid), weWin);
    assertEquals(await isAliveThere(erl), String(!weWin));
    assertEquals(ours.global.whereis("both")?.node, weWin ? ours.name : erl.name);
    assertEquals(await nodeOfBoth(erl), weWin ? ours.name : erl.name);
  });

  test(`one of two processes is told, ${who}`, { skip }, async () => {
    await using cluster = await GlobalCluster.start();
    const { ours, erl, messages } = await conflict(
      cluster,
      ourName,
      "random_notify_name",
      "random_notify_name",
    );
    await haveNames([ours, erl], "[both,only_ours,only_theirs]");
    const note = "{global_name_conflict,both}";
    if (weWin) {
      await poll(async () => await theirMessages(erl) === `[{${note},true}]`);
      assertEquals(messages, []);
    } else {
      await poll(() => messages.length === 1);
      assertEquals(messages, [note]);
      assertEquals(await theirMessages(erl), "[]");
    }
    assertEquals(await isAliveThere(erl), "true");
    assertEquals(ours.global.whereis("both")?.node, weWin ? ours.name : erl.name);
    assertEquals(await nodeOfBoth(erl), weWin ? ours.name : erl.name);
  });

  test(`both processes are told and lose the name, ${who}`, { skip }, async () => {
    await using cluster = await GlobalCluster.start();
    const { ours, erl, messages, pid } = await conflict(
      cluster,
      ourName,
      "notify_all_name",
      "notify_all_name",
    );
    await haveNames([ours, erl], "[only_ours,only_theirs]");
    await poll(() => messages.length === 1);
    assert(messages[0].startsWith("{global_name_conflict,both,<m@localhost."), messages[0]);
    await poll(async () =>
      /^\[{{global_name_conflict,both,<[\d.]+>},true}\]$/.test(await theirMessages(erl))
    );
    assertEquals([ours.isAlive(pid), await isAliveThere(erl)], [true, "true"]);
  });

  test(`a function decides, ${who}`, { skip }, async () => {
    for (const choice of ["ours", "theirs", "none", "failed"]) {
      await using cluster = await GlobalCluster.start();
      const asked: Term[] = [];
      const resolve = (name: Term, other: Pid, own: Pid): Promise<Pid | null> => {
        asked.push(name);
        assertEquals([other.node, own.node], ["m@localhost", `${ourName}@localhost`]);
        if (choice === "failed") return Promise.reject(new Error("no decision"));
        return Promise.resolve(choice === "ours" ? own : choice === "theirs" ? other : null);
      };
      // Erlang's node asks the function of its own process.
      const { ours, erl, pid } = await conflict(cluster, ourName, resolve, "random_notify_name");
      assertEquals(ours.isAlive(pid), true);
      if (!weWin) {
        assertEquals(asked, []);
        await haveNames([ours, erl], "[both,only_ours,only_theirs]");
        assertEquals(ours.global.whereis("both")?.node, erl.name);
        break;
      }
      assertEquals(asked, [atom("both")]);
      if (choice === "none") {
        await haveNames([ours, erl], "[only_ours,only_theirs]");
        continue;
      }
      await haveNames([ours, erl], "[both,only_ours,only_theirs]");
      const winner = choice === "ours" ? ours.name : erl.name;
      assertEquals(ours.global.whereis("both")?.node, winner);
      assertEquals(await nodeOfBoth(erl), winner);
    }
  });
}

test("Erlang asks us about a process of ours that it has registered itself", { skip }, async () => {
  for (const method of ["", ", fun global:notify_all_name/3", ", fun no_such:function/3"]) {
    await using cluster = await GlobalCluster.start();
    // b has registered a process of ours, and decides when c comes with another one.
    const [b, c, ours] = [
      await cluster.erlang("b"),
      await cluster.erlang("c"),
      await cluster.ours("zz"),
    ];
    await ours.connect(b.name);
    await whole(ours, b);
    const messages: string[] = [];
    const pid = ours.spawn(async (self) => {
      for await (const message of self) messages.push(format(message));
    });
    // It learns the pid by a message, which carries it.
    await b.eval(
      "register(registrar, spawn(fun() -> receive Pid when is_pid(Pid) -> put(p, Pid), receive {go, F} -> F ! get(p) end end end))",
    );
    ours.send({ name: "registrar", node: b.name }, pid);
    assertEquals(
      await b.eval(
        `begin registrar ! {go, self()}, receive P -> global:register_name(both, P${method}) end end`,
      ),
      "yes",
    );
    assertEquals(ours.global.whereis("both")?.key, pid.key);
    assertEquals(
      await c.eval("global:register_name(both, spawn(fun() -> receive stop -> ok end end))"),
      "yes",
    );
    await c.eval("net_kernel:connect_node('b@localhost')");
    await whole(ours, b, c);
    if (method.includes("notify")) {
      await haveNames([ours, b, c], "[]");
      await poll(() => messages.length === 1);
      assert(messages[0].startsWith("{global_name_conflict,both,<c@localhost."), messages[0]);
    } else { // the one on the node whose name is less stays: c's; and so it does where the function cannot be called
      await haveNames([ours, b, c], "[both]");
      assertEquals(ours.global.whereis("both")?.node, c.name);
      if (method === "") await poll(() => !ours.isAlive(pid));
      else assertEquals(ours.isAlive(pid), true);
    }
  }
});

testNothingIsLeft();
