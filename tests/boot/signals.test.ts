import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import { application, atom, type NodeOptions, startNode } from "../../mod.ts";
import { freePort, poll } from "../_support/erlang.ts";
import { FakePlatform } from "../_support/fake_platform.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { failure } from "../gen/_servers.ts";
import { command, run, start } from "../transport/_run.ts";

const program = new URL("./_application_program.ts", import.meta.url);

/** A node without a network whose application takes its time to stop. */
async function slowNode(platform: FakePlatform, options: NodeOptions = {}) {
  let stop = (): void => {};
  const slow = application({
    name: "slow",
    start: (app) => app.spawn((self) => self.receive()),
    stop: () => new Promise<void>((resolve) => stop = resolve),
  });
  const node = await startNode("slow@localhost", {
    network: false,
    platform,
    applications: [slow],
    ...options,
  });
  return { node, stop: () => stop() };
}

// In this program

test("the first signal stops the node, the second ends the program at once as if nobody had listened", async () => {
  for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
    const platform = new FakePlatform();
    const { node, stop } = await slowNode(platform, { signals: ["SIGTERM", "SIGINT"] });
    platform.raise("SIGTERM");
    await platform.settle();
    assertEquals(platform.exits, []);
    platform.raise(signal);
    assertEquals(platform.exits, [code]);
    stop();
    await node.stopped;
  }
});

test("a node listens to the signals that it is told, by default SIGTERM", async () => {
  for (
    const [signals, heard] of [
      [undefined, ["SIGTERM"]],
      [true, ["SIGTERM"]],
      [false, []],
      [[], []],
      [["SIGINT"], ["SIGINT"]],
      [["SIGTERM", "SIGINT"], ["SIGTERM", "SIGINT"]],
    ] as const
  ) {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const platform = new FakePlatform();
      await using node = await startNode("ears@localhost", { network: false, platform, signals });
      let stopped = false;
      void node.stopped.then(() => stopped = true);
      platform.raise(signal);
      await platform.settle();
      assertStrictEquals(
        stopped,
        (heard as readonly string[]).includes(signal),
        `${signals} ${signal}`,
      );
    }
  }
});

test("a signal that stops no node is refused by name", async () => {
  const signals = ["SIGKILL"] as never;
  const error = await failure(startNode("ears@localhost", { network: false, signals }));
  assertInstanceOf(error, TypeError);
  assertMatch(
    error.message,
    /option signals: SIGKILL is none that stops it, there are SIGTERM and SIGINT/,
  );
});

test("a program that does not come to its end is ended when the time is over", async () => {
  const platform = new FakePlatform();
  await using node = await startNode("rest@localhost", {
    network: false,
    platform,
    shutdown: { total: 2_000 },
  });
  platform.raise("SIGTERM");
  await node.stopped;
  await platform.elapse(2_999);
  assertEquals(platform.exits, []);
  await platform.elapse(1);
  assertEquals(platform.exits, [undefined]); // with the code that the program has set
  assertMatch(
    platform.logs.at(-1)!.message,
    /ended 3000 ms after SIGTERM: something else keeps it alive/,
  );
});

test("an application that does not stop is killed after its time, and the node stops", async () => {
  const platform = new FakePlatform();
  const { node } = await slowNode(platform, { shutdown: { application: 700, total: 9_000 } });
  const [pid] = [node.applications.info("slow").root!];
  platform.raise("SIGTERM");
  await platform.elapse(699);
  assertEquals(node.applications.info("slow").state, "stopping");
  await platform.elapse(1);
  await node.stopped;
  assertStrictEquals(node.isAlive(pid), false);
  assertEquals(platform.exits, []);
  assert(platform.logs.some(({ message }) => /slow has not stopped in time/.test(message)));
});

test("all applications together have the time that the node has", async () => {
  const platform = new FakePlatform();
  const slow = (name: string) =>
    application({
      name,
      start: (app) => app.spawn((self) => self.receive()),
      stop: () => new Promise(() => {}),
    });
  const node = await startNode("slow@localhost", {
    network: false,
    platform,
    applications: ["a", "b", "c", "d"].map(slow),
    shutdown: { application: 400, total: 900 },
  });
  const stopping = node.stop();
  await platform.elapse(899);
  assertEquals(node.applications.which().map(({ name }) => name), ["b", "a"]);
  await platform.elapse(1);
  await stopping;
});

test("what is no application, and no setting of one, is refused by name", async () => {
  for (
    const [options, words] of [
      [
        { applications: ["shop"] },
        /option applications: what application\(\{...\}\) has made is needed.*, string came/,
      ],
      [{ applications: [null] }, /option applications: .* object came/],
      [{ config: { shop: 1 } }, /option config: \{ shop \} must be an object/],
    ] as const
  ) {
    const error = await failure(
      startNode("wrong@localhost", { network: false, ...(options as object) }),
    );
    assertInstanceOf(error, TypeError);
    assertMatch(error.message, words);
  }
});

test("a node that is not to listen to signals leaves the program's exit code alone", async () => {
  for (const [signals, code] of [[false, 0], [[], 1], [true, 1]] as const) {
    const platform = new FakePlatform();
    const ends = application({
      name: "ends",
      mode: "permanent",
      start: (app) => app.spawn((self) => self.receive(), { register: "ends" }),
    });
    const options = { network: false, platform, signals, applications: [ends] };
    const node = await startNode("exits@localhost", options);
    node.exit(node.whereis("ends")!, atom("kill"));
    await node.stopped;
    assertStrictEquals(platform.exitCode, code, String(signals));
  }
});

test("a node that may take for ever to stop is not ended before", async () => {
  const platform = new FakePlatform();
  const { node, stop } = await slowNode(platform, {
    shutdown: { application: Infinity, total: Infinity },
  });
  platform.raise("SIGTERM");
  await platform.elapse(1e9);
  assertEquals([platform.exits, node.applications.info("slow").state], [[], "stopping"]);
  stop();
  await node.stopped;
});

test("how long a node waits must be meant", async () => {
  for (
    const [shutdown, words] of [
      [{ totl: 1 }, /option shutdown: it has no totl, there are application, total/],
      [{ total: -1 }, /option shutdown: its total counts milliseconds/],
      [{ application: "5 s" }, /option shutdown: its application counts milliseconds/],
    ] as const
  ) {
    const options = { network: false, shutdown } as never as NodeOptions;
    const error = await failure(startNode("late@localhost", options));
    assertInstanceOf(error, TypeError);
    assertMatch(error.message, words);
  }
});

test("a node stops another one of its name in this program where it is to replace it", async () => {
  const options: NodeOptions = {
    cookie: "secret",
    epmd: { port: await freePort() },
    signals: false,
    replace: true,
  };
  await using first = await startNode("again@localhost", options);
  await using second = await startNode("again@localhost", options);
  await first.stopped;
  assertStrictEquals(second.isAlive(second.whereis("rex")!), true);
  await second.stop();
  await (await startNode("again@localhost", options)).stop();
});

test("where modules are evaluated again in one program, a node replaces the one before by itself", async () => {
  class Hot extends FakePlatform {
    readonly hot = true;
  }
  const options = { network: false, platform: new Hot() } as const;
  await using first = await startNode("again@localhost", options);
  await using other = await startNode("other@localhost", options);
  await using second = await startNode("again@localhost", options);
  await first.stopped;
  assertEquals([other, second].map((node) => node.isAlive(node.whereis("rex")!)), [true, true]);
});

// Programs

/** Runs the program until it is ready, and sends it signals, each when it has printed a line that begins so. */
async function signalled(
  way: string,
  ...signals: readonly (readonly [NodeJS.Signals, after: string])[]
): Promise<{ code: number | null; signal: string | null; lines: string[] }> {
  const child = start(command(program, [way, String(await freePort())]));
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (text) => output += text);
  }
  const closed = once(child, "close");
  for (const [signal, after] of signals) {
    await poll(() => output.includes(after));
    process.kill(child.pid!, signal);
  }
  const [code, signal] = await closed;
  return { code, signal, lines: output.trim().split("\n") };
}

const IN_ORDER = [
  "ready",
  "web ended with shutdown",
  "web stops",
  "store prepares",
  "store ended with shutdown",
  "store stops",
  "stopped",
];

test("SIGINT stops a program in order, too, where it is asked for", async () => {
  const outcome = await signalled("interrupted", ["SIGINT", "ready"]);
  assertEquals(outcome, { code: 0, signal: null, lines: IN_ORDER });
});

test("an application of a program that hangs is killed, and it ends with 0", async () => {
  const { code, lines } = await signalled("hangs", ["SIGTERM", "ready"]);
  assertStrictEquals(code, 0);
  assert(lines.includes("stopped"), lines.join("\n"));
  assert(lines.some((line) => line.includes("store has not stopped in time")), lines.join("\n"));
});

test("a second SIGTERM ends a program at once that waits for an application", async () => {
  const { code, lines } = await signalled(
    "waits",
    ["SIGTERM", "ready"],
    ["SIGTERM", "store ended"],
  );
  assertStrictEquals(code, 143);
  assert(!lines.includes("stopped"));
});

test("a program that does something else is ended when the time is over", async () => {
  const { code, lines } = await signalled("lingers", ["SIGTERM", "ready"]);
  assertStrictEquals(code, 0);
  assertMatch(lines.join("\n"), /ended 1050 ms after SIGTERM: something else keeps it alive/);
});

test("a program whose permanent application ends stops its node, and ends with 1", async () => {
  const { code, output } = await run(command(program, ["permanent", String(await freePort())]));
  assertStrictEquals(code, 1);
  assertMatch(
    output,
    /error: Application web \(permanent\) has ended with killed: the node stops/,
  );
  const printed = output.split("\n").filter((line) => !line.startsWith("error: "));
  assertEquals(printed, ["ready", "web stops", ...IN_ORDER.slice(3)]);
});

test("SIGTERM stops the applications of a program, the last started first; it ends with 0, other nodes see it go, and its name is free at once", async () => {
  const port = await freePort();
  const options: NodeOptions = { cookie: "secret", epmd: { port }, signals: false };
  await using node = await startNode("watcher@localhost", options);
  const events = node.events();
  const child = start(command(program, ["plain", String(port)]));
  let output = "";
  child.stdout!.on("data", (text) => output += text);
  const closed = once(child, "close");
  await poll(() => output.includes("ready"));
  await node.connect("program@localhost");
  process.kill(child.pid!, "SIGTERM");
  assertEquals([(await events.next()).value.type, (await events.next()).value.type], [
    "nodeup",
    "nodedown",
  ]);
  await using next = await startNode("program@localhost", options);
  assert(await node.ping("program@localhost"));
  await next.stop();
  assertEquals(await closed, [0, null]);
  assertEquals(output.trim().split("\n"), IN_ORDER);
});

testNothingIsLeft();
