import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  type Encodable,
  format,
  io,
  IoError,
  type Node,
  type Pid,
  ProcessExitedError,
  type Self,
  startNode,
  tagged,
  type Term,
  withSelf,
} from "../../../mod.ts";
import {
  type ErlangNode,
  freePort,
  needsErlang,
  poll,
  startErlang,
} from "../../_support/erlang.ts";
import { COOKIE, loadErlang } from "../../_support/interop.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";

const THEIRS = "theirs@localhost";

interface Sides {
  readonly node: Node;
  readonly erl: ErlangNode;
}

let sides: Promise<Sides> | null = null;

function start(): Promise<Sides> {
  return sides ??= (async () => {
    const epmdPort = await freePort();
    const node = await startNode("ours@localhost", { cookie: COOKIE, epmd: { port: epmdPort } });
    const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort });
    await loadErlang(erl, "printing");
    return { node, erl };
  })();
}

/**
 * Runs `fn` in a process that Erlang spawns here with a group leader of its own, which answers reads with these texts.
 *
 * @returns what came of it, and what the group leader was asked, as Erlang prints it.
 */
async function runLed(
  fn: (self: Self) => unknown,
  asked: number,
  input: readonly Encodable[] = [],
): Promise<{ result: Term; requests: string[] }> {
  const { node } = await start();
  using _ = node.provide("led", { run: withSelf(fn) });
  const leader = await node.rpc(THEIRS, "printing", "collector", [input]);
  const call = ["ours@localhost", "led", "run"].map((name) => atom(name));
  const result = await node.rpc(THEIRS, "printing", "with_leader", [
    leader,
    tuple4(call[0], call[1], call[2], []),
  ], { timeout: 50_000 });
  const requests = asked === 0
    ? []
    : await node.rpc(THEIRS, "printing", "collected", [tuple2(leader, asked)]) as Term[];
  return { result, requests: requests.map((request) => format(request)) };
}

function tuple2(first: Term, second: Term): Encodable {
  return tuple(first, second);
}

function tuple4(...items: Encodable[]): Encodable {
  return tuple(...items);
}

function tuple(...items: Encodable[]): Encodable {
  const [first, ...rest] = items;
  const made = tagged("x", ...rest) as unknown as Encodable[];
  made[0] = first;
  return made as unknown as Encodable;
}

test("a process that Erlang spawns here prints there", { skip: needsErlang }, async () => {
  const { result, requests } = await runLed(async (self) => {
    await io.putChars(self, "Zoë\n");
    await io.format(self, "~p and ~ts~n", [[1, 2, 3], "日本"]);
    await io.format(self, "nothing~n");
    return atom("printed");
  }, 3);
  assertEquals(result, atom("printed"));
  assertEquals(requests, [
    '<<"Zoë\\n"/utf8>>',
    '<<"[1,2,3] and 日本\\n"/utf8>>',
    '<<"nothing\\n">>',
  ]);
});

test("what it prints appears where Erlang's own output does", { skip: needsErlang }, async () => {
  const { node, erl } = await start();
  using _ = node.provide("led", {
    run: withSelf((self) => io.format(self, "seen from ~p: ~ts~n", [atom("here"), "Zoë"])),
  });
  assertEquals(await erl.eval("rpc:call('ours@localhost', led, run, [])"), "nil");
  await poll(() => /^seen from here: Zo(?:ë|\\x\{EB\}|.)$/m.test(erl.output()), erl);
});

test("what is not waited for is printed in order, too", { skip: needsErlang }, async () => {
  const { requests } = await runLed((self) => {
    return Promise.all(Array.from({ length: 50 }, (_, i) => io.putChars(self, `${i}`))).then(() =>
      0
    );
  }, 50);
  assertEquals(requests, Array.from({ length: 50 }, (_, i) => `<<"${i}">>`));
});

test("it reads lines and characters from there, to the end", { skip: needsErlang }, async () => {
  const { result, requests } = await runLed(
    async (self) => {
      const read = [
        await io.getLine(self, "name? "),
        await io.getLine(self),
        await io.getChars(self, "three ", 3),
        await io.getLine(self, "more? "),
      ];
      return read.map((text) => text ?? atom("none"));
    },
    4,
    ["Zoë\n", [106, 97, 10], "abc"],
  );
  assertEquals(format(result), '[<<"Zoë\\n"/utf8>>,<<"ja\\n">>,<<"abc">>,none]');
  assertEquals(requests, [
    '{get_line,unicode,<<"name? ">>}',
    "{get_line,unicode,<<>>}",
    '{get_chars,unicode,<<"three ">>,3}',
    '{get_line,unicode,<<"more? ">>}',
  ]);
});

test("it asks how large the terminal is", { skip: needsErlang }, async () => {
  const { result } = await runLed(async (self) => [await io.columns(self), await io.rows(self)], 0);
  assertEquals(result, [132, null]);
});

test("what the group leader refuses is an error", { skip: needsErlang }, async () => {
  const { result } = await runLed(
    async (self) => {
      const error = await assertRejects(() => io.getLine(self), IoError, "interrupted");
      return error.reason;
    },
    0,
    [tuple(atom("error"), atom("interrupted"))],
  );
  assertEquals(result, atom("interrupted"));
});

test("who does not catch it exits with the reason", { skip: needsErlang }, async () => {
  const { result } = await runLed(
    (self) => io.getLine(self),
    0,
    [tuple(atom("error"), atom("interrupted"))],
  );
  assertEquals(format(result).startsWith("{'EXIT',{exception,interrupted"), true, format(result));
});

test("a group leader that is gone, or goes while it is waited for, is an error", {
  skip: needsErlang,
}, async () => {
  const { node } = await start();
  const gone = await node.rpc(THEIRS, "printing", "collector") as Pid;
  await node.rpc(THEIRS, "erlang", "exit", [gone, atom("kill")]);
  const silent = await node.spawnRemote(THEIRS, "timer", "sleep", [60_000]);
  const errors = await new Promise<string[]>((resolve, reject) => {
    node.spawn(async (self) => {
      self.setGroupLeader(gone);
      const first = await io.putChars(self, "x").catch((error) => error.message);
      self.setGroupLeader(silent);
      const second = io.putChars(self, "x").catch((error) => error.message);
      node.exit(silent, atom("kill"));
      resolve([first, await second]);
    });
    setTimeout(reject, 50_000).unref?.();
  });
  const expected = "Cannot use the group leader: it answered terminated";
  assertEquals(errors, [expected, expected]);
});

test("within a node a process prints by the node's group leader, or one of its own", async () => {
  const printed: string[] = [];
  await using node = await startNode("alone@localhost", {
    network: false,
    signals: false,
    output: (text) => void printed.push(text),
  });
  const asked: string[] = [];
  const leader = node.spawn(async (self) => {
    for await (const message of self) {
      const [, from, replyAs, request] = message as [Term, Pid, Term, Term];
      asked.push(format(request));
      self.send(from, tuple(atom("io_reply"), replyAs, "typed\n"));
    }
  });
  const line = await new Promise<string | null>((resolve) => {
    node.spawn(async (self) => {
      await io.format(self, "~p~n", [atom("here")]);
      self.setGroupLeader(leader);
      resolve(await io.getLine(self, "> "));
    });
  });
  assertEquals([printed, asked, line], [["here\n"], ['{get_line,unicode,<<"> ">>}'], "typed\n"]);
});

test("a process that ends gives up what it waits for", async () => {
  await using node = await startNode("alone@localhost", { network: false, signals: false });
  const silent = node.spawn(async (self) => {
    for await (const _ of self);
  });
  const error = await new Promise<Error>((resolve) => {
    const pid = node.spawn(async (self) => {
      self.setGroupLeader(silent);
      const line = io.getLine(self, "> ");
      queueMicrotask(() => node.exit(pid, atom("kill")));
      await line.catch(resolve);
    });
  });
  assertEquals(error instanceof ProcessExitedError, true, String(error));
  assertEquals(node._core.aliasCount, 0);
});

test("what cannot be printed is an error before anything is sent", async () => {
  await using node = await startNode("alone@localhost", { network: false, signals: false });
  const message = await new Promise<string>((resolve) => {
    node.spawn((self) => io.format(self, "~p ~p~n", [1]).catch((error) => resolve(error.message)));
  });
  assertEquals(message, "Cannot format: there are too few arguments");
  const texts = await new Promise<string[]>((resolve) => {
    node.spawn(async (self) => {
      const wrong = [
        () => io.putChars(self, 5 as never),
        () => io.format(self, 5 as never, []),
        () => io.format(self, "~p~n", 5 as never),
      ];
      const told: string[] = [];
      for (const print of wrong) await print().catch((error) => told.push(error.message));
      resolve(told);
    });
  });
  const needed = "Cannot print: a format is needed, and its arguments as an array";
  assertEquals(texts, [
    "Cannot print: a string is needed, number came; io.format prints terms",
    needed,
    needed,
  ]);
});

test("the nodes stop", { skip: needsErlang }, async () => {
  const { node, erl } = await start();
  await erl.kill();
  await node.stop();
});

testNothingIsLeft();
