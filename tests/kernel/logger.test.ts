import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  atom,
  atomMap,
  type Encodable,
  format,
  type LogEvent,
  logger,
  type Node,
  type Pid,
  startNode,
  type Term,
  TermMap,
  tuple,
  withSelf,
} from "../../mod.ts";
import { anyTerm } from "../etf/_arbitrary.ts";
import { CONTROL } from "../../lib/dist/control.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { type ErlangNode, freePort, needsErlang, startErlang } from "../_support/erlang.ts";
import { memoryNetwork } from "../../lib/transport/memory.ts";
import { HandMade } from "../_support/hand_made.ts";
import { COOKIE, loadErlang } from "../_support/interop.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const THEIRS = "theirs@localhost";

interface Sides {
  readonly node: Node;
  readonly erl: ErlangNode;
  readonly logs: Logs;
}

/** What a node has logged, and a way to wait for the next of it. */
class Logs {
  readonly #lines: string[] = [];
  #wake: () => void = () => {};

  add(level: string, message: string): void {
    this.#lines.push(`${level}: ${message}`);
    this.#wake();
  }

  async next(): Promise<string> {
    while (this.#lines.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#lines.shift()!;
  }
}

async function loggingNode(
  name: string,
  epmdPort: number | null,
): Promise<{ node: Node; logs: Logs }> {
  const logs = new Logs();
  const platform = await defaultPlatform();
  const node = await startNode(name, {
    platform: { ...platform, log: (level, message) => logs.add(level, message) },
    signals: false,
    ...epmdPort === null ? { network: false } : { cookie: COOKIE, epmd: { port: epmdPort } },
  });
  return { node, logs };
}

let sides: Promise<Sides> | null = null;

function start(): Promise<Sides> {
  return sides ??= (async () => {
    const epmdPort = await freePort();
    const { node, logs } = await loggingNode("ours@localhost", epmdPort);
    const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort });
    await loadErlang(erl, "printing");
    return { node, erl, logs };
  })();
}

test("what code that we run on Erlang logs is logged here", { skip: needsErlang }, async () => {
  const { node, logs } = await start();
  await node.rpc(THEIRS, "printing", "logs");
  const lines: string[] = [];
  while (lines.length < 5) {
    lines.push((await logs.next()).replace(/<theirs@localhost[0-9.]+>/, "PID"));
  }
  assertEquals(lines, [
    "error: PID: error 1",
    "warning: PID: just text",
    "info: [notice] PID:     number: 7\n    what: a report",
    "error: [critical] PID:     key: value\n    text: of a report",
    "error: PID: old style\n",
  ]);
});

test("a report in a report is printed line by line", { skip: needsErlang }, async () => {
  const { node, logs } = await start();
  await node.rpc(THEIRS, "printing", "reports");
  const line = await logs.next();
  assertEquals(line.replace(/<[^>]*>/, "PID"), "error: PID:     what: crashed");
});

test(
  "the crash of a process that we spawn on Erlang is logged here",
  { skip: needsErlang },
  async () => {
    const { node, logs } = await start();
    await node.spawnRemote(THEIRS, "erlang", "error", [atom("boom")]);
    const line = await logs.next();
    assertEquals(/^error: .*Error in process .* with exit value:\n\{boom,/s.test(line), true, line);
  },
);

test("what our process logs for Erlang is logged there, with its level and what else is known", {
  skip: needsErlang,
}, async () => {
  const { node, erl } = await start();
  using _ = node.provide("logging", {
    all: withSelf((self) => {
      logger.log(self, "warning", "text é", { extra: "more" });
      logger.log(self, "critical", atomMap({ what: "a report" }));
      logger.log(self, "debug", "detail", { domain: [atom("ours")] });
      return [self.pid, self.groupLeader];
    }),
  });
  const events = await erl.eval(`begin
    printing:add_handler(self()),
    [Pid, Leader] = rpc:call('ours@localhost', logging, all, []),
    Events = [receive {logged, Event} -> Event after 40000 -> timeout end || _ <- [1, 2, 3]],
    {Leader =:= group_leader(), [{L, T, P =:= Pid, G =:= node(), M} || {L, T, P, G, M} <- Events]}
  end`);
  assertEquals(
    events,
    '{true,[{warning,<<"text é"/utf8>>,true,true,#{extra => <<"more">>}},{critical,#{what => <<"a report">>},true,true,#{}},' +
      '{debug,<<"detail">>,true,true,#{domain => [ours]}}]}',
  );
});

test("the crash of a process that Erlang has spawned here is logged there, and here", {
  skip: needsErlang,
}, async () => {
  const { node, erl, logs } = await start();
  using _ = node.provide("logging", {
    crash: () => {
      throw new RangeError("too far");
    },
  });
  const event = await erl.eval(
    `printing:crash_logged({'ours@localhost', logging, crash, []})`,
  );
  assertEquals(
    /^\{error,<<"Error in process .* with exit value:.*RangeError.*too far/s.test(event),
    true,
    event,
  );
  const line = await logs.next();
  assertEquals(/^error: Process .* crashed: .*too far/s.test(line), true, line);
});

test("a process whose leader is here logs here", async () => {
  const { node, logs } = await loggingNode("alone@localhost", null);
  await using _ = node;
  node.spawn((self) => {
    logger.log(self, "info", "hello");
    logger.log(self, "alert", new Map([[atom("what"), tuple(atom("a"), 1) as Term]]));
  }, { register: "speaker" });
  assertEquals(await logs.next(), "info: speaker: hello");
  assertEquals(await logs.next(), "error: [alert] speaker:     what: {a,1}");
});

test("what is no event is ignored, and what cannot be formatted is printed as it is", async () => {
  const { node, logs } = await loggingNode("alone@localhost", null);
  await using _ = node;
  const sent: Term[] = [
    atom("nonsense"),
    tuple(atom("log")) as Term,
    tuple(atom("log"), atom("error")) as Term,
    tuple(atom("log"), atom("error"), "~p ~p", [1], atomMap({})) as Term,
    tuple(atom("log"), atom("loud"), 5, atom("meta")) as Term,
    tuple(atom("log"), atom("error"), [], atomMap({ pid: node.pid })) as Term,
  ];
  for (const message of sent) node.send("logger", message);
  assertEquals(await logs.next(), 'error: another node: FORMAT ERROR: <<"~p ~p">> - [1]');
  assertEquals(await logs.next(), "info: another node: [loud] 5");
  assertEquals(await logs.next(), `error: ${format(node.pid)}: `);
});

test("any term is a message that ends nothing", async () => {
  const { node, logs } = await loggingNode("alone@localhost", null);
  await using _ = node;
  const events = fc.array(anyTerm, { maxLength: 5 }).map((parts) => tuple(atom("log"), ...parts));
  for (const message of fc.sample(fc.oneof(events, anyTerm), 300)) {
    node.send("logger", message as Term);
  }
  node.send("logger", tuple(atom("log"), atom("error"), "the last", atomMap({})) as Term);
  while (await logs.next() !== "error: another node: the last");
});

test("a level that OTP does not know is refused", async () => {
  const { node } = await loggingNode("alone@localhost", null);
  await using _ = node;
  await new Promise<void>((resolve, reject) => {
    const pid: Pid = node.spawn((self) => {
      assertThrows(() => logger.log(self, "loud" as "info", "x"), RangeError, "emergency, alert");
      // What another node calls a text comes as a binary.
      const binary = new TextEncoder().encode("x") as unknown as string;
      assertThrows(() => logger.log(self, "info", binary), TypeError, "as the binary's text is");
      assertThrows(() => logger.log(self, "info", 7 as unknown as string), TypeError, "number");
    });
    node.monitor(pid, ({ reason }) => reason === atom("normal") ? resolve() : reject(reason));
  });
});

test("the nodes stop", { skip: needsErlang }, async () => {
  const { node, erl } = await start();
  await erl.kill();
  await node.stop();
});

test("what a peer logs holds nobody up, and is its own only", async () => {
  const events: LogEvent[] = [];
  const network = memoryNetwork();
  const node = await startNode("ours@localhost", {
    cookie: COOKIE,
    allowWeakCookie: true,
    epmd: false,
    signals: false,
    listen: { host: "0.0.0.0", port: 4000 },
    transport: network.machine("ours"),
    access: [{ peers: "nobody@*" }], // all may log
    log: { sinks: { kept: (event) => void events.push(event) } },
  });
  const stream = await network.machine("theirs").connect({ host: "ours", port: 4000 });
  const peer = await HandMade.connect("ours@localhost", 0, { stream });
  const log = async (...what: Encodable[]): Promise<LogEvent> => {
    const count = events.length;
    const meta = what.pop() as unknown as Term;
    const message = tuple(atom("log"), atom("error"), ...what, meta) as unknown as Term;
    peer.send([CONTROL.REG_SEND, peer.pid(), atom(""), atom("logger_proxy")], message);
    while (events.length === count) await new Promise((resolve) => setTimeout(resolve, 0));
    return events[count];
  };
  try {
    const long = atom("x".repeat(255));
    const many = Array.from({ length: 30_000 }, () => long);
    const none = new TermMap([]);
    let deep: Encodable = none;
    for (let i = 0; i < 5_000; i++) {
      deep = new TermMap([[atom("label"), 1], [atom("report"), deep]]);
    }
    const entries = Array.from({ length: 20_000 }, () => tuple(atom("a"), 1));
    for (const what of [["~p", [many]], [entries], [deep], [many]] as Encodable[][]) {
      const { message, name } = await log(...what, none);
      assert(message.length < 20_000, `${message.length} characters`);
      assertEquals(name, "handmade@localhost");
    }
    const short = await log("x".repeat(1_000), none);
    assertEquals(short.message, "x".repeat(1_000));
    const large = await log(
      "hello",
      new TermMap([[atom("pid"), peer.pid()], [atom("more"), many]]),
    );
    assertEquals([large.pid?.node, Object.keys(large.meta)], ["handmade@localhost", []]);
    // In the name of a process of this node.
    const forged = await log("hello", new TermMap([[atom("pid"), node.pid]]));
    assertEquals([forged.pid, forged.node, forged.name], [
      null,
      "handmade@localhost",
      "handmade@localhost",
    ]);
  } finally {
    peer.close();
    await node.stop();
  }
});

testNothingIsLeft();
