import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { atom } from "../../../lib/etf/atom.ts";
import type { Binary } from "../../../lib/etf/binary.ts";
import { format } from "../../../lib/etf/format.ts";
import type { Pid } from "../../../lib/etf/identifiers.ts";
import { charlist } from "../../../lib/etf/list.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { child } from "../../../lib/gen/supervisor/child.ts";
import { supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import { Program, program } from "../../../lib/gen/port/program.ts";
import * as sys from "../../../lib/gen/sys/sys.ts";
import type { ExitStatus } from "../../../lib/platform/child.ts";
import type { Node } from "../../../lib/node/node.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { gate } from "../_servers.ts";
import { Log, socketNode, until } from "../tcp/_support.ts";

function reasonOf(node: Node, pid: Pid): Promise<string> {
  return new Promise((resolve) => node.monitor(pid, ({ reason }) => resolve(format(reason))));
}

/** The line of ps for a program; "" where it is gone. Nobody has to wait for one whose parent has. */
function ps(osPid: number): string {
  try {
    return execFileSync("ps", ["-o", "stat=,args=", "-p", String(osPid)], { encoding: "utf8" })
      .trim();
  } catch {
    return "";
  }
}

const sh = (script: string, options = {}): ReturnType<typeof program> =>
  program("/bin/sh", { args: ["-c", script], ...options });

async function texts(packets: AsyncIterable<Binary>): Promise<string[]> {
  const all: string[] = [];
  for await (const packet of packets) all.push(packet.text);
  return all;
}

test("a program sorts what is written to it", async () => {
  const { node } = socketNode();
  const sort = await node.start(program("sort", { args: ["-n"], packet: "line" }), []);
  const reason = reasonOf(node, sort.pid);
  assertMatch(ps(sort.osPid), /sort -n/);
  for (const number of [3, 10, 2]) await sort.write(String(number));
  sort.endInput();
  assertEquals(await texts(sort.output()), ["2", "3", "10"]);
  assertEquals(await sort.exited, { code: 0, signal: null });
  assertEquals(await reason, "normal");
  assertEquals(ps(sort.osPid), "");
  await node.stop();
});

test("a question and its answer: who leaves the output leaves the rest to the next reader", async () => {
  const { node } = socketNode();
  const cat = await node.start(program("cat", { packet: 4 }), []);
  for (const text of ["one", "two\nlines", ""]) {
    await cat.write(text);
    for await (const answer of cat.output()) {
      assertEquals(answer.text, text);
      break;
    }
  }
  await cat.stop();
  assertEquals((await cat.exited).signal, "SIGTERM");
  await node.stop();
});

test("the status of a program is the reason of its process", async () => {
  const { node, logs } = socketNode();
  for (
    const [script, reason, status] of [
      ["exit 0", "normal", { code: 0, signal: null }],
      ["exit 3", "{exit_status,3}", { code: 3, signal: null }],
      ["kill -KILL $$", "{exit_status,137}", { code: 137, signal: "SIGKILL" }],
    ] as const
  ) {
    const run = await node.start(sh(`read line; ${script}`), []);
    const ended = reasonOf(node, run.pid);
    await run.write("go\n");
    assertEquals(await ended, reason);
    assertEquals(await run.exited, status);
  }
  assertEquals(logs.filter((line) => line.includes("exit_status")).length, 2);
  await node.stop();
});

test("a class of one's own handles what it writes, in order, and its end behind that", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Worker extends Program {
    override init(lines: number): Promise<void> {
      const args = ["-c", `seq ${lines}; echo oops >&2; exit 2`];
      return this.run("/bin/sh", { args, packet: "line", stderr: "piped" });
    }
    override async handleOutput(line: Binary): Promise<void> {
      await Promise.resolve();
      log.add(line.text);
    }
    override handleErrorOutput(line: Binary): void {
      log.add(`error ${line.text}`);
    }
    override handleExit(status: ExitStatus): void {
      log.add(`exit ${status.code}`);
    }
  }
  const worker = await node.start(Worker, [100]);
  assertEquals(await reasonOf(node, worker.pid), "{exit_status,2}");
  const lines = Array.from({ length: 100 }, (_, i) => String(i + 1));
  assertEquals(log.lines.filter((line) => /^\d+$/.test(line)), lines);
  assertEquals(log.lines.at(-1), "exit 2");
  assert(log.lines.includes("error oops"));
  await node.stop();
});

test("standard error is read by itself", async () => {
  const { node } = socketNode();
  const run = await node.start(
    sh("echo out; echo err >&2", { packet: "line", stderr: "piped" }),
    [],
  );
  assertEquals(await texts(run.output()), ["out"]);
  assertEquals(await texts(run.errorOutput()), ["err"]);
  await node.stop();
});

test("a program that nobody reads waits, and all of it comes when it is read", async () => {
  const { node } = socketNode();
  const total = 30_000_000;
  const run = await node.start(sh(`head -c ${total} /dev/zero`), []);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assertMatch(ps(run.osPid), /head|sh/);
  // Calls are answered meanwhile.
  assertMatch(format(await sys.getState(node, run.pid)), /osPid/);
  let received = 0;
  for await (const packet of run.output()) received += packet.length;
  assertEquals(received, total);
  assertEquals((await run.exited).code, 0);
  await node.stop();
});

test("a slow handler holds its program back", async () => {
  const { node } = socketNode();
  const open = gate();
  let received = 0;
  class Slow extends Program {
    override init(): Promise<void> {
      return this.run("/bin/sh", { args: ["-c", "head -c 20000000 /dev/zero"] });
    }
    override async handleOutput(packet: Binary): Promise<void> {
      await open.promise;
      received += packet.length;
    }
  }
  const slow = await node.start(Slow, []);
  const reason = reasonOf(node, slow.pid);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert(ps(slow.osPid) !== "");
  open.open();
  assertEquals(await reason, "normal");
  assertEquals(received, 20_000_000);
  await node.stop();
});

test("who writes more than the program reads waits for it", async () => {
  const { node } = socketNode();
  const run = await node.start(sh("kill -STOP $$; exec wc -c"), []);
  const piece = new Uint8Array(512 * 1024);
  let written = 0;
  const writing = (async () => {
    for (let i = 0; i < 20; i++) {
      await run.write(piece);
      written += piece.length;
    }
    run.endInput();
  })();
  await until(() => written >= piece.length && ps(run.osPid).startsWith("T"));
  assert(written < 20 * piece.length);
  process.kill(run.osPid, "SIGCONT");
  await writing;
  assertEquals((await texts(run.output())).join("").trim(), String(20 * piece.length));
  await node.stop();
});

test("too much that is written without waiting is an error, and ends both", async () => {
  const { node } = socketNode();
  class Careless extends Program {
    override init(): Promise<void> {
      return this.run("sleep", { args: ["60"], maxWrite: 2 * 1024 * 1024 });
    }
    override readonly calls = {
      flood: () => {
        for (let i = 0; i < 100; i++) this.write(new Uint8Array(1024 * 1024));
      },
    };
  }
  const careless = await node.start(Careless, []);
  const error = await assertRejects(() => careless.call("flood"));
  assertMatch(String(error), /maxWrite is 2097152/);
  await careless.exited;
  assertEquals(ps(careless.osPid), "");
  await node.stop();
});

const ENDS: readonly (readonly [string, (node: Node, pid: Pid) => unknown])[] = [
  ["is killed", (node, pid) => node.exit(pid, atom("kill"))],
  ["gets an exit signal", (node, pid) => node.exit(pid, atom("shutdown"))],
  ["crashes", (node, pid) => node.send(pid, "crash")],
  ["has a parent that ends", (node, pid) => {
    const process = node._core.process(pid)!;
    node.exit(process.parent!, atom("boom"));
  }],
];

for (const [name, how] of ENDS) {
  test(`a program ends where its process ${name}`, async () => {
    const { node } = socketNode();
    class Sleeper extends Program {
      override init(): Promise<void> {
        return this.run("sleep", { args: ["60"] });
      }
      override handleInfo(): void {
        throw new Error("as it was told");
      }
    }
    const parent = node.spawn(async (self) => void await self.receive());
    const sleeper = await node.start(Sleeper, [], { link: parent });
    const reason = reasonOf(node, sleeper.pid);
    assertMatch(ps(sleeper.osPid), /sleep 60/);
    how(node, sleeper.pid);
    assertEquals((await sleeper.exited).signal, "SIGTERM");
    assertMatch(await reason, /killed|shutdown|as it was told|boom/);
    await until(() => ps(sleeper.osPid) === "");
    await node.stop();
  });
}

test("one that does not obey is killed when its time is over, and the process waits for it", async () => {
  const { node } = socketNode();
  const script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  const stubborn = await node.start(sh(script, { packet: "line", killTime: 100 }), []);
  for await (const _ of stubborn.output()) break;
  await stubborn.stop();
  assertEquals((await stubborn.exited).signal, "SIGKILL");
  assertEquals(ps(stubborn.osPid), "");
  await node.stop();
});

test("nothing is left behind when the node stops", async () => {
  const { node } = socketNode();
  const sleepers = await Promise.all(Array.from({ length: 5 }, () => {
    return node.start(program("sleep", { args: ["60"] }), []);
  }));
  const family = await node.start(
    sh("sleep 60 & echo $!; exec sleep 61", { packet: "line", group: true }),
    [],
  );
  let below = 0;
  for await (const line of family.output()) {
    below = Number(line.text);
    break;
  }
  // One is killed just before: its program is on its way out.
  node.exit(sleepers[0].pid, atom("kill"));
  await node.stop();
  for (const { osPid } of [...sleepers, family]) assertEquals(ps(osPid), "");
  // Whose parent is gone is waited for by the system, in its time.
  await until(() => ps(below) === "" || ps(below).startsWith("Z"));
});

test("a program that has ended keeps its process no longer than its last words, whoever holds its output", async () => {
  const { node } = socketNode();
  const run = await node.start(sh("sleep 60 & echo $!", { packet: "line" }), []);
  const reason = reasonOf(node, run.pid);
  const [below] = await texts(run.output());
  assertEquals(await reason, "normal");
  process.kill(Number(below));
  await node.stop();
});

test("a supervisor starts a program again that fails, and not one that is done", async () => {
  const { node } = socketNode();
  const log = new Log();
  class Fails extends Program {
    override init(): Promise<void> {
      log.add("start");
      const code = log.lines.length < 3 ? 1 : 0;
      return this.run("/bin/sh", { args: ["-c", `exit ${code}`] });
    }
    override handleExit(status: ExitStatus): void {
      log.add(`exit ${status.code}`);
    }
  }
  const children = [child(Fails, [], { restart: "transient", id: "fails" })];
  const tree = await node.start(supervisor({ intensity: 5, children }), []);
  await log.until((lines) => lines.includes("exit 0"));
  assertEquals(log.lines, ["start", "exit 1", "start", "exit 0"]);
  await tree.stop();
  await node.stop();
});

/** A process that has a program, and writes down what comes of it. */
function owner(node: Node, log: Log): Pid {
  return node.spawn(async (self) => {
    for await (const message of self) {
      log.add(format(message as Term).replaceAll(/<[\w@.]+>/g, "Port"));
    }
  });
}

const message = (...elements: unknown[]): Encodable => tuple(...elements as Term[]) as Encodable;

test("an owner drives it by Erlang's messages, and gets what it writes so", async () => {
  const { node } = socketNode();
  const log = new Log();
  const pid = owner(node, log);
  const cat = await node.start(program("cat", { owner: pid }), []);
  const data = [charlist("ab"), "c", [Uint8Array.of(100)]];
  node.send(cat.pid, message(pid, tuple(atom("command"), data as never)));
  await log.untilLine('{Port,{data,<<"abcd">>}}');
  const other = new Log();
  const next = owner(node, other);
  node.send(cat.pid, message(pid, tuple(atom("connect"), next)));
  await log.untilLine("{Port,connected}");
  node.send(cat.pid, message(next, tuple(atom("command"), "new")));
  await other.untilLine('{Port,{data,<<"new">>}}');
  const reason = reasonOf(node, cat.pid);
  node.send(cat.pid, message(next, atom("close")));
  await other.untilLine("{Port,closed}");
  assertEquals(await reason, "normal");
  await node.stop();
});

test("an owner gets lines and the exit status as Erlang sends them, and its end ends the program", async () => {
  const { node } = socketNode();
  const log = new Log();
  const pid = owner(node, log);
  await node.start(sh("echo one; printf two; exit 5", { packet: "line", owner: pid }), []);
  await log.untilLine("{Port,{exit_status,5}}");
  assertEquals(log.lines, [
    '{Port,{data,{eol,<<"one">>}}}',
    '{Port,{data,{eol,<<"two">>}}}',
    "{Port,{exit_status,5}}",
  ]);
  const sleeper = await node.start(program("sleep", { args: ["60"], owner: pid }), []);
  node.exit(pid, atom("boom"));
  await sleeper.exited;
  await until(() => !node.isAlive(sleeper.pid));
  await node.stop();
});

test("what is larger than a packet may be ends both", async () => {
  const { node } = socketNode();
  const run = await node.start(sh("yes | tr -d '\\n'", { packet: "line", maxPacket: 1_000 }), []);
  assertMatch(await reasonOf(node, run.pid), /maxPacket is 1000/);
  await run.exited;
  await node.stop();
});

test("what cannot be run, and options that cannot be meant, fail the start", async () => {
  const { node } = socketNode();
  const start = (command: string, options: object = {}): Promise<unknown> =>
    node.start(program(command, options), []);
  await assertRejects(() => start("/no/such/program"), Error, "no such program");
  await assertRejects(() => start("/no/such/program"), Error, "Cannot start a process: "); // its class has no name
  await assertRejects(() => start(""), Error, "its path or name is needed");
  await assertRejects(() => start("cat", { packet: "words" }), Error, "no framing words");
  await assertRejects(() => start("cat", { shell: true }), Error, "no option shell");
  await assertRejects(() => start("cat", { killTime: -1 }), Error, "killTime is -1");
  await node.stop();
});

testNothingIsLeft();
