import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import {
  atom,
  charlist,
  type Encodable,
  format,
  io,
  type Node,
  type Pid,
  type Self,
  startNode,
  t,
  type Term,
  tuple,
  withSelf,
} from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { type ErlangNode, freePort, needsErlang, poll, startErlang } from "../_support/erlang.ts";
import { COOKIE, loadErlang } from "../_support/interop.ts";
import { startElixir } from "../_support/elixir.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";

const THEIRS = "theirs@localhost";
const needsElixir = needsErlang || needs("elixir");

interface Sides {
  readonly node: Node;
  readonly erl: ErlangNode;
  /** What their code has printed here. */
  readonly printed: { text: string };
}

let sides: Promise<Sides> | null = null;

function start(): Promise<Sides> {
  return sides ??= (async () => {
    const printed = { text: "" };
    const epmdPort = await freePort();
    const node = await startNode("ours@localhost", {
      cookie: COOKIE,
      epmd: { port: epmdPort },
      output: (text) => void (printed.text += text),
    });
    const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort });
    await loadErlang(erl, "printing");
    return { node, erl, printed };
  })();
}

/** A test with both nodes and nothing printed yet. */
function sidesTest(title: string, body: (sides: Sides) => Promise<void>): void {
  test(title, { skip: needsErlang }, async () => {
    const all = await start();
    all.printed.text = "";
    await body(all);
  });
}

function printing(node: Node, name: string, ...args: Encodable[]): Promise<Term> {
  return node.rpc(THEIRS, "printing", name, args, { timeout: 50_000 });
}

sidesTest(
  "what code that we run on Erlang prints arrives here, in order",
  async ({ node, printed }) => {
    await printing(node, "lines", 300);
    assertEquals(printed.text, Array.from({ length: 300 }, (_, i) => `line ${i + 1}\n`).join(""));
  },
);

sidesTest("every way to print does", async ({ node, printed }) => {
  assertEquals(await printing(node, "kinds"), atom("ok"));
  assertEquals(
    printed.text,
    "chars\nbinary é 日本\nmixed list\n\n{a,[98],<<99>>,1.0}\n[1.0,1] latin é 日本\n#{a => 1}\none two \n" +
      "plain\nstill here\n",
  );
});

sidesTest("who reads is told that there is no input", async ({ node }) => {
  assertEquals(
    format(await printing(node, "input")),
    "{eof,eof,eof,eof,eof,[{binary,false},{encoding,unicode}],ok,[{binary,true},{encoding,unicode}]," +
      "ok,{error,enotsup},{error,enotsup},{error,enotsup}}",
  );
});

sidesTest("every request is answered, also one that is none", async ({ node, printed }) => {
  const put = atom("put_chars");
  const latin1 = atom("latin1");
  const unicode = atom("unicode");
  const ioLib = atom("io_lib");
  const requests: [Encodable, string][] = [
    [tuple(put, charlist("old\n")) as Encodable, "ok"],
    [tuple(put, ioLib, atom("format"), [charlist("~p~n"), [1]]) as Encodable, "ok"],
    [tuple(put, latin1, new Uint8Array([0xe9, 10])) as Encodable, "ok"],
    [tuple(put, latin1, [300]) as Encodable, "{error,put_chars}"],
    [tuple(put, unicode, new Uint8Array([0xff])) as Encodable, "{error,put_chars}"],
    [tuple(put, unicode, atom("os"), atom("cmd"), [charlist("true")]) as Encodable, "{error,cmd}"],
    [
      tuple(put, unicode, ioLib, atom("format"), [charlist("~p"), []]) as Encodable,
      "{error,format}",
    ],
    [tuple(put) as Encodable, "{error,request}"],
    [tuple(put, 1, 2, 3, 4, 5, 6) as Encodable, "{error,request}"],
    [atom("nonsense"), "{error,request}"],
    [tuple() as Encodable, "{error,request}"],
    [tuple(atom("requests"), 5) as Encodable, "{error,request}"],
    [
      tuple(atom("requests"), [
        tuple(put, unicode, "a"),
        atom("no"),
        tuple(put, unicode, "b"),
      ]) as Encodable,
      "{error,request}",
    ],
    [tuple(atom("get_until"), atom("unicode"), "", atom("m"), atom("f"), []) as Encodable, "eof"],
    [tuple(atom("get_line"), charlist("old")) as Encodable, "eof"],
    [tuple(atom("get_password"), unicode) as Encodable, "eof"],
    [atom("get_password"), "eof"],
    [tuple(atom("setopts"), atom("x")) as Encodable, "{error,request}"],
  ];
  const replies = await printing(node, "raws", requests.map(([request]) => request)) as Term[];
  assertEquals(replies.map((reply) => format(reply)), requests.map(([, reply]) => reply));
  assertEquals(printed.text, "old\n1\né\na");
});

sidesTest(
  "a flood of many processes is printed, each one's lines in order, while the node serves",
  async ({ node, erl, printed }) => {
    let answered = 0;
    const flood = printing(node, "flood", 40, 100);
    let over = false;
    void flood.finally(() => over = true);
    while (!over) {
      assertEquals(await erl.eval(`net_adm:ping('ours@localhost')`), "pong");
      answered++;
    }
    assertEquals(await flood, atom("done"));
    assertEquals(answered > 0, true);
    const lines = printed.text.trimEnd().split("\n").map((line) => line.split(":").map(Number));
    assertEquals(lines.length, 4_000);
    const last = new Array<number>(41).fill(0);
    for (const [process, line] of lines) {
      assertEquals(line, last[process] + 1);
      last[process] = line;
    }
  },
);

sidesTest(
  "a process that we spawn there has our leader, and so has what we call",
  async ({ node, printed }) => {
    const leader = node.whereis("user")!;
    assertEquals(await printing(node, "leader"), leader);
    const told = await new Promise<Term>((resolve) => {
      node.spawn(async (self) => {
        await node.spawnRemote(THEIRS, "printing", "spawned", [self.pid]);
        const [, pid, theirs] = await self.receive(t.tuple(t.atom("leader"), t.pid, t.pid));
        assertEquals(await printing(node, "leader"), leader);
        node.send(pid, atom("stop"));
        resolve(theirs);
      });
    });
    assertEquals(told, leader);
    await poll(() => printed.text === "spawned\n"); // it prints after it has told
  },
);

sidesTest(
  "our function that Erlang spawns has the leader of Erlang's code",
  async ({ node, erl }) => {
    using _ = node.provide("leaders", { mine: withSelf((self) => self.groupLeader) });
    assertEquals(
      await erl.eval(`group_leader() =:= rpc:call('ours@localhost', leaders, mine, [])`),
      "true",
    );
  },
);

sidesTest("group_leader/2 of Erlang changes the leader of our process", async ({ node }) => {
  const seen: Pid[] = [];
  const pid = node.spawn(async (self) => {
    for await (const _ of self) seen.push(self.groupLeader);
  }, { register: "led" });
  const ended = new Promise<void>((resolve) => node.monitor(pid, () => resolve()));
  await node.rpc(THEIRS, "erlang", "send", [pid, atom("before")]);
  const theirs = await printing(node, "collector") as Pid;
  await node.rpc(THEIRS, "erlang", "group_leader", [theirs, pid]);
  await node.rpc(THEIRS, "erlang", "send", [pid, atom("after")]);
  await node.rpc(THEIRS, "erlang", "exit", [pid, atom("done")]);
  await ended;
  assertEquals(seen.map((leader) => leader.node), ["ours@localhost", THEIRS]);
  assertEquals(seen[1], theirs);
});

sidesTest(
  "setGroupLeader changes the leader of a process of Erlang, and of ours",
  async ({ node, printed }) => {
    const leader = node.whereis("user")!;
    const theirs = await printing(node, "collector") as Pid;
    const remote = await node.spawnRemote(THEIRS, "timer", "sleep", [60_000]);
    assertEquals(await leaderOf(node, remote), format(leader));
    node.setGroupLeader(remote, theirs);
    assertEquals(await leaderOf(node, remote), format(theirs));
    const pid = node.spawn(async (self) => {
      for await (const _ of self);
    });
    node.setGroupLeader(pid, theirs);
    assertEquals(node._core.process(pid)!.groupLeader, theirs);
    node.exit(pid, atom("kill"));
    node.exit(remote, atom("kill"));
    assertEquals(printed.text, "");
  },
);

async function leaderOf(node: Node, pid: Pid): Promise<string> {
  const info = await node.rpc(THEIRS, "erlang", "process_info", [pid, atom("group_leader")]);
  return format((info as Term[])[1]);
}

sidesTest(
  "an output that fails is an error for who prints, and the node goes on",
  async ({ node: { name } }) => {
    assertEquals(name, "ours@localhost");
    const epmdPort = await freePort();
    let fails = true;
    const printed: string[] = [];
    await using node = await startNode("failing@localhost", {
      cookie: COOKIE,
      epmd: { port: epmdPort },
      output: (text) =>
        fails ? Promise.reject(new Error("full")) : Promise.resolve(void printed.push(text)),
    });
    await using erl = await startErlang({ name: "other@localhost", cookie: COOKIE, epmdPort });
    await loadErlang(erl, "printing");
    const request = tuple(atom("put_chars"), atom("unicode"), "x") as Encodable;
    assertEquals(
      format(await node.rpc("other@localhost", "printing", "raw", [request])),
      "{error,eio}",
    );
    fails = false;
    assertEquals(format(await node.rpc("other@localhost", "printing", "raw", [request])), "ok");
    assertEquals(printed, ["x"]);
  },
);

test("what code that we run on Elixir prints arrives here", { skip: needsElixir }, async () => {
  const epmdPort = await freePort();
  let printed = "";
  await using node = await startNode("ours2@localhost", {
    cookie: COOKIE,
    epmd: { port: epmdPort },
    output: (text) => void (printed += text),
  });
  await using elixir = await startElixir({ name: "elixir@localhost", cookie: COOKIE, epmdPort });
  await elixir.eval(`
    defmodule Printing do
      def all() do
        IO.puts("Zoë")
        IO.write(["a", ?b, ~c"c\\n"])
        IO.inspect([a: 1, b: "text"], label: "seen")
        :io.format("~p ~ts~n", [[1.0, :x], "日本"])
        IO.puts(inspect(IO.gets("name? ")))
        IO.puts(inspect({IO.getn("", 3), IO.read(:stdio, :line)}))
        Task.await(Task.async(fn -> IO.puts("from a task") end))
      end
    end
    :ok
  `);
  assertEquals(await node.rpc("elixir@localhost", "Elixir.Printing", "all"), atom("ok"));
  assertEquals(
    printed,
    'Zoë\nabc\nseen: [a: 1, b: "text"]\n[1.0,x] 日本\n:eof\n{:eof, :eof}\nfrom a task\n',
  );
});

test("a process has the leader of its parent, or of the node, and keeps it when the parent gets another", async () => {
  await using node = await startNode("alone@localhost", { network: false, signals: false });
  const user = node.whereis("user")!;
  const leaders = await new Promise<Pid[]>((resolve) => {
    node.spawn((self) => {
      const wait = async (other: Self): Promise<void> => {
        for await (const _ of other);
      };
      const leader = node.spawn(wait);
      const before = node.spawn(wait, { link: self.pid });
      self.setGroupLeader(leader);
      const child = node.spawn(wait, { link: self.pid });
      const other = node.spawn(wait);
      node.setGroupLeader(before, before);
      const all = [self.pid, child, other, before].map((pid) =>
        node._core.process(pid)!.groupLeader
      );
      resolve([leader, before, ...all]);
    });
  });
  const [leader, before, own, child, other, changed] = leaders;
  assertEquals([own, child, other, changed], [leader, leader, user, before]);
  assertEquals(node._core.process(user)!.groupLeader, user);
});

test("without an option the platform prints it", async () => {
  const platform = await defaultPlatform();
  let printed = "";
  const print = (text: string): Promise<void> => Promise.resolve(void (printed += text));
  await using node = await startNode("alone@localhost", {
    network: false,
    signals: false,
    platform: { ...platform, print },
  });
  await new Promise<void>((resolve) => {
    node.spawn((self) => io.putChars(self, "out\n").then(resolve));
  });
  assertEquals(printed, "out\n");
});

test("the nodes stop", { skip: needsErlang }, async () => {
  const { node, erl } = await start();
  await erl.kill();
  await node.stop();
  assertMatch(node.name, /^ours@/);
});

testNothingIsLeft();
