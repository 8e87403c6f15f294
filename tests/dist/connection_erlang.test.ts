/**
 * One connection with a real Erlang node, below any node of ours: the handshake, then signals by hand. Needs `erl` and `epmd`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  Connection,
  type ConnectionDown,
  type ConnectionOptions,
} from "../../lib/dist/connection.ts";
import { CONTROL, type Control, controlName } from "../../lib/dist/control.ts";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { initiate } from "../../lib/dist/establish.ts";
import { announcedFlags } from "../../lib/dist/flags.ts";
import { atom } from "../../lib/etf/atom.ts";
import type { Binary } from "../../lib/etf/binary.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import type { ImproperList } from "../../lib/etf/list.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import type { TermMap } from "../../lib/etf/term_map.ts";
import { isTuple, type Tuple, tuple } from "../../lib/etf/tuple.ts";
import type { Platform } from "../../lib/platform/contract.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Transport } from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { epmdNames, freePort, poll } from "../_support/erlang.ts";

const skip = spawnSync("erl", ["-version"]).error === undefined ? false : "erl is not installed";
const COOKIE = "connection_test";
const TICK_TIME = 6000;

/** Evaluates what `driver` is told, and echoes what `echo` is sent. */
const DRIVER = `
  Eval = fun(Text) ->
    {ok, Tokens, _} = erl_scan:string(binary_to_list(Text)),
    {ok, Exprs} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Exprs, []),
    Value
  end,
  Echo = fun Echo() -> receive {From, Term} -> From ! Term, Echo() end end,
  Drive = fun Drive() ->
    receive {From, Text} -> spawn(fun() -> From ! {answer, Eval(Text)} end), Drive() end
  end,
  register(echo, spawn(Echo)),
  register(driver, self()),
  io:format("ready~n"),
  Drive().`;

let platform: Platform;
let transport: Transport;
let epmd: ChildProcess;
let epmdPort: number;
let erl: Erlang;

/** A real Erlang node. */
class Erlang {
  readonly name: string;
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(name: string) {
    this.name = `${name}_${process.pid}@127.0.0.1`;
    // deno-fmt-ignore
    const args = [
      "-noshell", "-noinput", "-name", this.name, "-setcookie", COOKIE, "-start_epmd", "false",
      "-kernel", "net_ticktime", String(TICK_TIME / 1000), "-kernel", "logger_level", "critical", "-eval", DRIVER,
    ];
    this.child = spawn("erl", args, {
      env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#exited = once(this.child, "exit");
  }

  async ready(): Promise<this> {
    let said = "";
    for await (const chunk of this.child.stdout!) {
      said += chunk;
      if (said.includes("ready")) return this;
    }
    throw new Error(`erl ended: ${said}`);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.child.pid!, signal);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exited;
  }
}

type Signal = readonly [control: Control, payload: Term | undefined];

/** Our end: what a node would do, by hand. */
class End {
  static #count = 0;

  readonly name: Pid["_node"];
  readonly connection: Connection;
  readonly signals: Signal[] = [];
  readonly down: Promise<ConnectionDown>;
  /** Is asked first; what it does not take stands in `signals`. */
  intercept: (control: Control, payload: Term | undefined) => boolean = () => false;
  #wake: () => void = () => {};
  #ids = 1;

  private constructor(
    name: string,
    established: ConstructorParameters<typeof Connection>[0],
    options: Partial<ConnectionOptions>,
  ) {
    this.name = atom(name);
    const { promise, resolve } = Promise.withResolvers<ConnectionDown>();
    this.down = promise;
    this.connection = new Connection(established, { platform, tickTime: TICK_TIME, ...options }, {
      signal: (control, payload) => {
        if (this.intercept(control, payload)) return;
        this.signals.push([control, payload]);
        this.#wake();
      },
      busy: () => this.#wake(),
      down: (down) => resolve(down),
    });
  }

  static async connect(peer: Erlang, options: Partial<ConnectionOptions> = {}): Promise<End> {
    const client = new EpmdClient({ transport, platform, port: epmdPort });
    const node = await client.lookup(peer.name.split("@")[0]);
    const stream = await transport.connect({ host: "127.0.0.1", port: node!.port });
    const name = `us${End.#count++}_${process.pid}@127.0.0.1`;
    const established = await initiate(stream, {
      platform,
      peer: peer.name,
      name,
      creation: 77,
      flags: announcedFlags(),
      cookie: () => COOKIE,
    });
    return new End(name, established, options);
  }

  pid(): Pid {
    return new Pid(this.name, this.#ids++, 0, 77);
  }

  /** Sends to a registered name. */
  regSend(from: Pid, name: string, message: Encodable): boolean {
    return this.connection.send([CONTROL.REG_SEND, from, atom(""), atom(name)], message);
  }

  /** The next signal of those that were not intercepted. */
  async next(): Promise<Signal> {
    while (this.signals.length === 0) await this.#woken();
    return this.signals.shift()!;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  async drained(): Promise<void> {
    while (this.connection.busy) await this.#woken();
  }

  /** Has an Erlang expression evaluated over there, by a process of its own; our pid is `~` in it. */
  run(text: string, self: Pid = this.pid()): void {
    const source = text.replaceAll("~", `binary_to_term(<<${Array.from(pidBytes(self))}>>)`);
    this.regSend(self, "driver", tuple(self, `${source}.`));
  }

  /** As `run`, and gives the value. */
  async eval(text: string, self: Pid = this.pid()): Promise<Term> {
    this.run(text, self);
    const [control, payload] = await this.next();
    assertEquals(control[0], CONTROL.SEND_SENDER);
    assert((control[2] as Pid).equals(self));
    assertEquals((payload as Tuple)[0], atom("answer"));
    return (payload as Tuple)[1];
  }

  async close(): Promise<void> {
    this.connection.close();
    assertEquals(await this.down, { reason: "disconnected" });
  }
}

function pidBytes(pid: Pid): Uint8Array {
  const name = new TextEncoder().encode(pid.node);
  const bytes = new Uint8Array(4 + name.length + 12);
  bytes.set([131, 88, 119, name.length]);
  bytes.set(name, 4);
  const view = new DataView(bytes.buffer, 4 + name.length);
  view.setUint32(0, pid.id);
  view.setUint32(4, pid.serial);
  view.setUint32(8, pid.creation);
  return bytes;
}

before(async () => {
  if (skip) return;
  [platform, transport, epmdPort] = [
    await defaultPlatform(),
    await defaultTransport(),
    await freePort(),
  ];
  epmd = spawn("epmd", ["-port", String(epmdPort)], { stdio: "ignore" });
  await poll(() => epmdNames(epmdPort) !== null);
  erl = await startErlang("first");
});

after(async () => {
  if (skip) return;
  await erl.stop();
  const exited = once(epmd, "exit");
  epmd.kill("SIGKILL");
  await exited;
});

async function startErlang(name: string): Promise<Erlang> {
  const node = new Erlang(name);
  try {
    return await node.ready();
  } catch (error) {
    await node.stop();
    throw error;
  }
}

test(
  "an Erlang node takes our end for a hidden node, and its ping is answered",
  { skip },
  async () => {
    const end = await End.connect(erl);
    assertEquals(end.connection.peer.name, erl.name);
    assert(end.connection.peer.hidden);
    assertEquals(await end.eval("nodes()"), []);
    assertEquals(await end.eval("nodes(hidden)"), [end.name]);

    const [netKernel, seen] = [end.pid(), [] as number[]];
    end.intercept = (control, payload) => {
      seen.push(control[0]);
      if (control[0] !== CONTROL.REG_SEND) return control[0] !== CONTROL.SEND_SENDER;
      // {'$gen_call', {Pid, [alias|Ref]}, {is_auth, Node}}
      const [, caller, request] = payload as unknown as [Term, Tuple, Tuple];
      assertEquals(control[3], atom("net_kernel"));
      assertEquals(Array.from(request), [atom("is_auth"), atom(erl.name)]);
      const tag = caller[1] as ImproperList;
      const reply = tuple(tag, atom("yes"));
      end.connection.send([CONTROL.ALIAS_SEND, netKernel, tag.tail as Ref], reply);
      return true;
    };
    assertEquals(await end.eval(`net_adm:ping('${end.name}')`), atom("pong"));
    const { MONITOR_P, REG_SEND, DEMONITOR_P, SEND_SENDER } = CONTROL;
    assertEquals(seen, [MONITOR_P, REG_SEND, DEMONITOR_P, SEND_SENDER]);
    await end.close();
  },
);

test("messages go to a name and to a pid, both ways", { skip }, async () => {
  const end = await End.connect(erl);
  const [us, name] = [end.pid(), atom("some_name")];
  end.regSend(us, "echo", tuple(us, tuple(atom("hello"), 1, "two", [3])));
  const [answer, hello] = await end.next();
  assertEquals(answer[0], CONTROL.SEND_SENDER);
  const [echo, to] = [answer[1] as Pid, answer[2] as Pid];
  assertEquals(echo.node, erl.name);
  assert(to.equals(us));
  assertEquals(String((hello as Tuple)[2]), "two");

  end.connection.send([CONTROL.SEND_SENDER, us, echo], tuple(us, atom("by_pid")));
  assertEquals((await end.next())[1], atom("by_pid"));
  end.connection.send([CONTROL.SEND, atom(""), echo], tuple(us, atom("without_sender")));
  assertEquals((await end.next())[1], atom("without_sender"));

  end.intercept = (control) => control[0] === CONTROL.SEND_SENDER;
  end.regSend(us, "driver", tuple(us, `{some_name, '${end.name}'} ! for_a_name.`));
  const [control, payload] = await end.next();
  assertEquals(control[0], CONTROL.REG_SEND);
  assertEquals((control as Control<"REG_SEND">)[3], name);
  assertEquals(payload, atom("for_a_name"));
  await end.close();
});

// deno-fmt-ignore
const SIGNALS: readonly (readonly [what: string, erlang: string, signals: readonly string[]])[] = [
  ["a link that is set and taken back", "link(~), unlink(~)", ["LINK them,us", "UNLINK_ID id,them,us"]],
  ["the end of a linked process", "spawn(fun() -> link(~), exit(bye) end)", ["LINK them,us", "PAYLOAD_EXIT them,us | bye"]],
  ["a monitor of a pid", "demonitor(monitor(process, ~))", ["MONITOR_P them,us,ref", "DEMONITOR_P them,us,ref"]],
  ["a monitor of a name", "demonitor(monitor(process, {some_name, node(~)}))", ["MONITOR_P them,some_name,ref", "DEMONITOR_P them,some_name,ref"]],
  ["an exit signal", "exit(~, why)", ["PAYLOAD_EXIT2 them,us | why"]],
  ["a group leader", "group_leader(~, ~)", ["GROUP_LEADER us,us"]],
  ["a spawn request", "spawn_request(node(~), m, f, [a], [monitor])", ["SPAWN_REQUEST ref,them,them,{m,f,1},[monitor] | [a]"]],
  ["a message to a name", "{some_name, node(~)} ! hello", ["REG_SEND them,,some_name | hello"]],
  ["a traced message to a pid", "TRACE, ~ ! hello", ["SEND_SENDER them,us | hello"]],
  ["a traced message to a name", "TRACE, {some_name, node(~)} ! hello", ["REG_SEND them,,some_name | hello"]],
  ["a traced exit signal", "TRACE, exit(~, why)", ["PAYLOAD_EXIT2 them,us | why"]],
  ["the traced end of a linked process", "spawn(fun() -> link(~), TRACE, exit(bye) end)", ["LINK them,us", "PAYLOAD_EXIT them,us | bye"]],
  ["a traced spawn request", "TRACE, spawn_request(node(~), m, f, [], [])", ["SPAWN_REQUEST ref,them,them,{m,f,0},[] | []"]],
];

for (const [what, erlang, expected] of SIGNALS) {
  test(`Erlang's signal is read: ${what}`, { skip }, async () => {
    const end = await End.connect(erl);
    const us = end.pid();
    const show = (term: unknown): string => {
      if (term instanceof Pid) return term.equals(us) ? "us" : "them";
      if (term instanceof Ref) return "ref";
      if (isTuple(term)) return `{${Array.from(term as Term[], show)}}`;
      return Array.isArray(term)
        ? `[${term.map(show)}]`
        : typeof term === "number"
        ? `${term}`
        : String(term);
    };
    const trace = "seq_trace:set_token(label, 17), seq_trace:set_token(send, true)";
    end.run(erlang.replace("TRACE", trace), us);
    const seen: string[] = [];
    while (seen.length < expected.length) {
      const [control, payload] = await end.next();
      if (isTuple(payload) && payload.tag === "answer") continue;
      const [op, ...fields] = Array.from(control as Iterable<Term>);
      if (op === CONTROL.UNLINK_ID) fields[0] = atom("id");
      const carried = payload === undefined ? "" : ` | ${show(payload)}`;
      seen.push(`${controlName(op as number)} ${fields.map(show)}${carried}`);
    }
    assertEquals(seen, expected);
    await end.close();
  });
}

test(
  "Erlang acts on our signals: monitor, link, exit, spawn request, alias",
  { skip },
  async () => {
    const end = await End.connect(erl);
    const us = end.pid();
    const ref = (n: number) => new Ref(end.name, 77, [n, 0, 0]);

    const victim = await end.eval(
      "spawn(fun() -> receive after infinity -> ok end end)",
      us,
    ) as Pid;
    end.connection.send([CONTROL.MONITOR_P, us, victim, ref(1)]);
    end.connection.send([CONTROL.LINK, us, victim]);
    end.connection.send([CONTROL.PAYLOAD_EXIT2, us, victim], atom("bye"));
    const two = [await end.next(), await end.next()].sort(([a], [b]) => a[0] - b[0]);
    assertEquals(two.map(([control, reason]) => [control[0], reason]), [
      [CONTROL.PAYLOAD_EXIT, atom("bye")],
      [CONTROL.PAYLOAD_MONITOR_P_EXIT, atom("bye")],
    ]);
    assert((two[1][0][3] as Ref).equals(ref(1)));

    end.connection.send([CONTROL.MONITOR_P, us, atom("nobody"), ref(2)]);
    const [down, noproc] = await end.next();
    assertEquals([down[0], down[1], noproc], [28, atom("nobody"), atom("noproc")]);

    const mfa = tuple(atom("erlang"), atom("exit"), 1);
    const options = [atom("monitor")];
    end.connection.send([CONTROL.SPAWN_REQUEST, ref(3), us, us, mfa, options], [tuple(1, [2])]);
    const [reply] = await end.next();
    assertEquals([reply[0], (reply as Control<"SPAWN_REPLY">)[3]], [31, 2]);
    const [exit, reason] = await end.next();
    assertEquals(exit[0], CONTROL.PAYLOAD_MONITOR_P_EXIT);
    assertEquals(Array.from(reason as Tuple), [1, [2]]);

    const text = "A = alias(), ~ ! A, receive M -> {got, M} end";
    end.run(text, us);
    const alias = (await end.next())[1] as Ref;
    end.connection.send([CONTROL.ALIAS_SEND, us, alias], atom("by_alias"));
    const got = (await end.next())[1] as Tuple;
    assertEquals(Array.from(got[1] as Tuple), [atom("got"), atom("by_alias")]);
    await end.close();
  },
);

test("four times 5,000 messages come in each sender's order, and go out so", { skip }, async () => {
  const end = await End.connect(erl);
  const us = end.pid();
  const send = "spawn(fun() -> [~ ! {I, N} || N <- lists:seq(1, 5000)] end)";
  end.run(`[${send} || I <- [1, 2, 3, 4]]`, us);
  const last = [0, 0, 0, 0, 0];
  for (let count = 0; count < 20_000;) {
    const payload = (await end.next())[1] as Tuple;
    if (payload.tag === "answer") continue;
    const [sender, n] = payload as unknown as [number, number];
    assertEquals(n, last[sender] + 1);
    last[sender] = n;
    count++;
  }
  assertEquals(last, [0, 5000, 5000, 5000, 5000]);

  const senders = [end.pid(), end.pid(), end.pid(), end.pid()];
  const collector = await end.eval(
    `spawn(fun() -> ~ ! lists:foldl(
       fun(_, Last) -> receive {I, N} -> N = maps:get(I, Last) + 1, Last#{I := N} end end,
       #{0 => 0, 1 => 0, 2 => 0, 3 => 0}, lists:seq(1, 20000)) end)`,
    us,
  ) as Pid;
  for (let n = 1; n <= 5000; n++) {
    for (const [i, sender] of senders.entries()) {
      end.connection.send([CONTROL.SEND_SENDER, sender, collector], tuple(i, n));
      if (end.connection.busy) await end.drained();
    }
  }
  const counts = (await end.next())[1] as TermMap;
  assertEquals([0, 1, 2, 3].map((i) => counts.get(i)), [5000, 5000, 5000, 5000]);
  assertEquals(end.connection.stats.messagesIn, 20_003);
  await end.close();
});

test("a binary of 16 MiB goes there and back", { skip }, async () => {
  const end = await End.connect(erl);
  const us = end.pid();
  const large = new Uint8Array(16 * 1024 * 1024);
  for (let i = 0; i < large.length; i++) large[i] = (i * 31) >>> 3;
  end.regSend(us, "echo", tuple(us, large));
  end.regSend(us, "echo", tuple(us, atom("after_it")));
  const back = (await end.next())[1] as Binary;
  assertEquals(back.length, large.length);
  assert(large.every((byte, i) => byte === back[i]));
  assertEquals((await end.next())[1], atom("after_it"));
  await end.close();
});

test(
  "both ends hear enough of each other over two tick times, and go on after",
  { skip },
  async () => {
    const end = await End.connect(erl);
    const before = end.connection.stats;
    const began = performance.now();
    const gone = await Promise.race([
      end.down,
      new Promise((resolve) => setTimeout(() => resolve("up"), 2 * TICK_TIME)),
    ]);
    assertEquals(gone, "up");
    const { bytesIn, bytesOut } = end.connection.stats;
    // A tick in each quarter, or every other one when a check just misses the last.
    const most = Math.ceil((performance.now() - began) / (TICK_TIME / 4)) + 1;
    for (const bytes of [bytesIn - before.bytesIn, bytesOut - before.bytesOut]) {
      assert(bytes >= 4 * 4 && bytes <= most * 4, `${bytes} bytes of ticks`);
    }
    assertEquals(await end.eval("1 + 1"), 2);
    await end.close();
  },
);

test("an Erlang node gives up an end that does not tick", { skip }, async () => {
  const end = await End.connect(erl, { tickTime: 60_000 });
  assertEquals(await end.eval("1 + 1"), 2);
  const { reason } = await end.down;
  assertEquals(reason, "closed");
});

test("an Erlang node that stands still is given up", { skip }, async () => {
  const frozen = await startErlang("frozen");
  const end = await End.connect(frozen);
  assertEquals(await end.eval("1 + 1"), 2);
  frozen.signal("SIGSTOP");
  assertEquals(await end.down, { reason: "net_tick_timeout" });
  await frozen.stop();
});

test("an Erlang node that disconnects, or dies, is down", { skip }, async () => {
  const node = await startErlang("dies");
  const end = await End.connect(node);
  end.run("erlang:disconnect_node(node(~))");
  assertEquals(await end.down, { reason: "closed" });
  const again = await End.connect(node);
  assertEquals(await again.eval("1 + 1"), 2);
  await node.stop();
  assert(["closed", "lost"].includes((await again.down).reason));
});

test("closing lets an Erlang node have all that was sent before", { skip }, async () => {
  const end = await End.connect(erl);
  const other = await End.connect(erl);
  const us = other.pid();
  const count = "(fun F(N) -> receive {n, _} -> F(N + 1); stop -> ~ ! N end end)(0)";
  const counter = await other.eval(`spawn(fun() -> ${count} end)`, us) as Pid;
  const sender = end.pid();
  for (let i = 0; i < 3000; i++) {
    end.connection.send(
      [CONTROL.SEND_SENDER, sender, counter],
      tuple(atom("n"), new Uint8Array(1000)),
    );
  }
  end.connection.send([CONTROL.SEND_SENDER, sender, counter], atom("stop"));
  await end.close();
  assertEquals((await other.next())[1], 3000);
  await other.close();
});
