/** Aliases across the wire: ALIAS_SEND with OTP 24 to 27, ALTACT_SIG_SEND with later ones, which can do more. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { atom, type Node, type Ref, startNode, type Term, tuple } from "../../../mod.ts";
import { type ErlangNode, needsErlang, startEpmd, startErlang } from "../../_support/erlang.ts";
import { COOKIE } from "../../_support/interop.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { type Inbox, inbox } from "../_cluster.ts";
import { until } from "../_nodes.ts";

/** A test with an Erlang node that has a process `aliased`, to which `{Ref, Fun}` is told by name. */
async function withErlang(
  body: (node: Node, erl: ErlangNode, release: number) => Promise<unknown>,
): Promise<void> {
  await using epmd = await startEpmd();
  await using erl = await startErlang({ name: "b@localhost", cookie: COOKIE, epmdPort: epmd.port });
  await using node = await startNode("ours@localhost", {
    cookie: COOKIE,
    epmd: { port: epmd.port },
    signals: false,
  });
  await body(
    node,
    erl,
    Number((await erl.eval("erlang:system_info(otp_release)")).replaceAll('"', "")),
  );
}

/** A process whose alias an Erlang process is told, which keeps it in its dictionary. */
async function aliased(node: Node): Promise<{ readonly alias: Ref; readonly got: Inbox }> {
  let alias!: Ref;
  const got = await inbox(node, (self) => {
    self.trapExit = true;
    alias = self.alias();
  });
  return { alias, got };
}

test(
  "messages go to aliases and come from them, in the order sent",
  { skip: needsErlang },
  () =>
    withErlang(async (node, erl) => {
      await erl.eval(
        "register(aliased, spawn(fun L() -> receive {alias, A, To} -> [A ! N || N <- [1, 2, 3]], To ! {theirs, alias()}, L(); X -> persistent_term:put(got, [X | persistent_term:get(got, [])]), L() end end))",
      );
      const { alias, got } = await aliased(node);
      const aliases = { name: "aliased", node: erl.name };
      node.send(aliases, tuple(atom("alias"), alias, got.pid) as Term);
      const [one, two, three, last] = await got.take(4);
      assertEquals([one, two, three], [1, 2, 3]);
      const theirs = (last as Term[])[1] as Ref;
      for (const n of [4, 5, 6]) node.send(theirs, n);
      node.send(aliases, 7);
      const kept = async (): Promise<string> => await erl.eval("persistent_term:get(got, [])");
      while (!(await kept()).includes("7")) { /* until the last has come */ }
      assertEquals(await kept(), "[7,6,5,4]");
    }),
);

test(
  "from OTP 28 on urgent messages and exit signals come to aliases",
  { skip: needsErlang },
  () =>
    withErlang(async (node, erl, release) => {
      await erl.eval(
        "register(aliased, spawn(fun L() -> receive {alias, A, P} -> persistent_term:put(alias, A), persistent_term:put(pid, P), P ! kept, L() end end))",
      );
      const { alias, got } = await aliased(node);
      node.send({ name: "aliased", node: erl.name }, tuple(atom("alias"), alias, got.pid) as Term);
      assertEquals(await got.next(), atom("kept"));
      if (release < 28) {
        await erl.eval("persistent_term:get(alias) ! plain");
        assertEquals(await got.next(), atom("plain"));
        return;
      }
      await erl.eval(`begin
      A = persistent_term:get(alias), P = persistent_term:get(pid),
      erlang:send(A, urgent, [priority]),
      erlang:send(P, to_the_pid, [priority]),
      A ! plain,
      exit(A, boom),
      erlang:exit(P, bang, [priority])
    end`);
      const [urgent, toPid, plain, boom, bang] = await got.take(5);
      assertEquals([urgent, toPid, plain], [atom("urgent"), atom("to_the_pid"), atom("plain")]);
      assertEquals([(boom as Term[])[2], (bang as Term[])[2]], [atom("boom"), atom("bang")]);
      const down = new Promise<Term>((resolve) => {
        node.monitor(got.pid, ({ reason }) => resolve(reason));
      });
      await erl.eval("exit(persistent_term:get(alias), kill)");
      assertEquals(await down, atom("killed"));
    }),
);

test(
  "from OTP 28 on an urgent message goes before others where its alias was made for that",
  { skip: needsErlang },
  () =>
    withErlang(async (node, erl, release) => {
      if (release < 28) return;
      await erl.eval(
        "register(urgent, spawn(fun() -> A = alias([priority]), receive {go, To} -> To ! {theirs, A}, receive now -> ok end, M = [receive X -> X end || _ <- [1, 2, 3]], To ! M end end))",
      );
      const got = await inbox(node);
      const theirs = { name: "urgent", node: erl.name };
      node.send(theirs, tuple(atom("go"), got.pid) as Term);
      const [, alias] = await got.next() as [Term, Ref];
      for (const n of [1, 2]) node.send(alias, n);
      node.send(alias, 3, { priority: "high" });
      node.send(theirs, atom("now"));
      assertEquals(await got.next(), [3, 1, 2]);

      // And the other way.
      let ours!: Ref;
      let go!: () => void;
      const begin = new Promise<void>((resolve) => go = resolve);
      const taken: Term[] = [];
      const pid = node.spawn(async (self) => {
        ours = self.alias({ priority: true });
        await begin;
        for await (const message of self) taken.push(message);
      });
      await erl.eval(
        "register(sender, spawn(fun() -> receive {A, P} -> P ! 1, A ! 2, erlang:send(A, 3, [priority]), P ! 4 end end))",
      );
      node.send({ name: "sender", node: erl.name }, tuple(ours, pid) as Term);
      await until(() => node.info(pid)!.mailbox.waiting === 4);
      go();
      await until(() => taken.length === 4);
      assertEquals(taken, [3, 1, 2, 4]);
    }),
);

testNothingIsLeft();
