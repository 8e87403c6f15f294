/** How a node ends, by itself or by a signal, and what it needs to run. */
import process from "node:process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { atom, format, type Node, startNode } from "../../mod.ts";
import {
  environment,
  type ErlangNode,
  freePort,
  poll,
  run,
  startErlang,
} from "../_support/erlang.ts";
import { type Conformance, COOKIE, startConformance } from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { needs, runtime, selfCommand } from "../_support/runtime.ts";

const ONE_LIFE = fileURLToPath(new URL("./_one_life.ts", import.meta.url));
const skip = needs("erl");
const opened = openNow();

let epmdPort: number;
/** Keeps the EPMD, and sees the others come and go. */
let node: Node;
let erl: ErlangNode | undefined;

before(async () => {
  epmdPort = await freePort();
  node = await startNode("stays@localhost", { cookie: COOKIE, epmd: { port: epmdPort } });
  if (!skip) erl = await startErlang({ name: "theirs@localhost", cookie: COOKIE, epmdPort });
});

after(stop);

async function stop(): Promise<void> {
  await erl?.kill();
  await node?.stop();
}

/** Ends a conformance node that has connections to both, and gives what they have seen. */
async function ended(
  ours: Conformance,
  end: () => void,
): Promise<{ code: number | null; seen: string[] }> {
  await node.ping(ours.name);
  const reason = new Promise<string>((resolve) => {
    node.monitor({ name: "echo", node: ours.name }, (down) => resolve(format(down.reason)));
  });
  const events = node.events();
  await node.ping(ours.name); // the monitor is there
  end();
  const code = await ours.exited;
  const { value } = await events.next();
  await events.return?.();
  return { code, seen: [await reason, `${value?.type} ${value?.node}`] };
}

test("SIGTERM ends a node in order: its processes first, then its connections", async () => {
  await using ours = await startConformance({ epmdPort });
  const { code, seen } = await ended(ours, () => process.kill(ours.pid, "SIGTERM"));
  assertEquals({ code, seen }, { code: 0, seen: ["shutdown", `nodedown ${ours.name}`] });
  assertEquals(ours.output(), `ready ${ours.name}\n`);
});

test("Erlang sees it end in order", { skip }, async () => {
  await using ours = await startConformance({ epmdPort });
  const seen = erl!.eval(`begin
    Ref = monitor(process, {echo, '${ours.name}'}),
    Worker = gen_server:call({echo, '${ours.name}'}, plain),
    WorkerRef = monitor(process, Worker),
    Request = gen_server:send_request({echo, '${ours.name}'}, {later, 60000, never}),
    monitor_node('${ours.name}', true),
    here = gen_server:call({echo, '${ours.name}'}, {echo, here}),
    register(sees, self()),
    Down = receive {'DOWN', Ref, _, _, R1} -> R1 end,
    WorkerDown = receive {'DOWN', WorkerRef, _, _, R2} -> R2 end,
    {error, {CallDown, _}} = gen_server:receive_response(Request, infinity),
    receive {nodedown, Node} -> {Down, WorkerDown, CallDown, Node} end
  end`);
  await poll(async () => await erl!.eval("whereis(sees) =/= undefined") === "true");
  process.kill(ours.pid, "SIGTERM");
  assertEquals(await seen, `{shutdown,shutdown,shutdown,${ours.name}}`);
  assertEquals(await ours.exited, 0);
});

test("killed, it is gone all the same, and its name is free for the next one", async () => {
  for (let life = 0; life < 3; life++) {
    await using ours = await startConformance({ epmdPort });
    const { code, seen } = await ended(ours, () => process.kill(ours.pid, "SIGKILL"));
    assertEquals({ code, seen }, { code: null, seen: ["noconnection", `nodedown ${ours.name}`] });
    if (!skip) assertEquals(await erl!.eval(`net_adm:ping('${ours.name}')`), "pang");
  }
});

/** Runs a node that lives and stops, see `_one_life.ts`: its program must end by itself. */
async function oneLife(peer: readonly string[]): Promise<void> {
  const args = ["life@localhost", String(epmdPort), COOKIE, ...peer];
  const [program, ...rest] = selfCommand(ONE_LIFE, ...args);
  await using life = run(program, rest, environment(epmdPort));
  assertEquals([await life.exited, life.output()], [0, "joined\nstopped\n"]);
}

test("a program ends when its node has stopped", async () => {
  await oneLife([]);
});

test("what a node has sent before it stops arrives: at one of ours", async () => {
  const parts: number[] = [];
  const pid = node.spawn(async (self) => {
    for await (const part of self) parts.push((part as [unknown, number])[1]);
  }, { register: "life" });
  await oneLife([node.name]);
  await poll(() => parts.length === 16);
  assertEquals(parts, parts.map((_, i) => i));
  node.exit(pid, atom("kill"));
});

test("what a node has sent before it stops arrives: at Erlang", { skip }, async () => {
  const parts = erl!.eval(`begin
    register(life, self()),
    [receive {part, I, Part} -> byte_size(Part) end || I <- lists:seq(0, 15)]
  end`);
  await poll(async () => await erl!.eval("whereis(life) =/= undefined") === "true");
  await oneLife([erl!.name]);
  assertEquals(await parts, `[${Array(16).fill(1024 * 1024)}]`);
});

test(
  "a program ends when its node has stopped, with an EPMD of its own that others use",
  { skip },
  async () => {
    const port = await freePort();
    await using first = await startConformance({ epmdPort: port, name: "first@localhost" });
    await using other = await startErlang({
      name: "other@localhost",
      cookie: COOKIE,
      epmdPort: port,
    });
    assertEquals(await other.eval("net_adm:ping(first@localhost)"), "pong");
    process.kill(first.pid, "SIGTERM");
    assertEquals(await first.exited, 0);
    // Their daemon is gone with it; the next node brings one, and Erlang registers again by itself.
    await using _second = await startConformance({ epmdPort: port, name: "second@localhost" });
    assertEquals(await other.eval("net_adm:ping(second@localhost)"), "pong");
  },
);

// The other runtimes have no permissions to give.
if (runtime === "deno") {
  const life = (...permissions: string[]): ReturnType<typeof run> => {
    const args = ["life@localhost", String(epmdPort), COOKIE];
    const options = ["run", "--no-check", "--no-prompt", ...permissions];
    // By way of a shell and a variable: where Deno sees itself among what is to be spawned, it adds -A.
    const command = ["-c", 'exec "$RUNTIME" "$@"', "sh", ...options, ONE_LIFE, ...args];
    return run("sh", command, { ...environment(epmdPort), RUNTIME: process.execPath });
  };

  test("under Deno a node needs --allow-net and nothing else", async () => {
    await using allowed = life("--allow-net");
    assertEquals([await allowed.exited, allowed.output()], [0, "joined\nstopped\n"]);
  });

  test("without it, the node says so", async () => {
    await using denied = life();
    assertEquals(await denied.exited, 1);
    assertStringIncludes(denied.output(), "--allow-net");
  });
}

test("nothing is left open", async () => {
  await stop();
  await assertNothingLeft(opened);
});
