import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { atom } from "../../lib/etf/atom.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { command, run, start } from "../transport/_run.ts";

const platform = await defaultPlatform();
const bare = new URL("./_bare_program.ts", import.meta.url);
const signals = new URL("./_signal_program.ts", import.meta.url);
const prints = new URL("./_print_program.ts", import.meta.url);
const logs = new URL("./_log_program.ts", import.meta.url);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("the platform is called as the runtime is", () => {
  const name = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
  assertEquals(platform.name, name);
});

test("MD5 is that of RFC 1321", () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  assertEquals(hex(platform.md5(text(""))), "d41d8cd98f00b204e9800998ecf8427e");
  assertEquals(hex(platform.md5(text("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
  assertEquals(platform.md5(text("")).constructor, Uint8Array);
});

test("random bytes are as many as asked for, and others each time", () => {
  assertEquals(platform.randomBytes(0).length, 0);
  assertEquals(platform.randomBytes(32).length, 32);
  assertNotEquals(hex(platform.randomBytes(32)), hex(platform.randomBytes(32)));
  assertEquals(platform.randomBytes(5).constructor, Uint8Array);
  assertEquals(platform.randomBytes(5).buffer.byteLength, 5);
});

test("the clock never goes back, and the calendar is the system's", () => {
  let last = platform.now();
  for (let i = 0; i < 1000; i++) {
    const now = platform.now();
    assert(now >= last);
    last = now;
  }
  const before = Date.now();
  const time = platform.systemTime();
  assert(before <= time && time <= Date.now());
});

test("a timer fires once and not before its time", async () => {
  const from = platform.now();
  await new Promise<void>((resolve) => platform.setTimer(30, resolve));
  // A timer's clock counts whole milliseconds.
  assert(platform.now() - from >= 29);
});

test("a timer that is cancelled does not fire, and can be cancelled again", async () => {
  let fired = 0;
  const early = platform.setTimer(1, () => fired++);
  early.cancel();
  early.cancel();
  const late = platform.setTimer(5, () => fired += 10);
  await new Promise<void>((resolve) => platform.setTimer(30, resolve));
  late.cancel();
  assertEquals(fired, 10);
});

test("defer comes before yield, and yield lets input and timers have their turn", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    platform.yield(() => {
      order.push("yield");
      resolve();
    });
    platform.defer(() => order.push("defer"));
    order.push("now");
  });
  assertEquals(order, ["now", "defer", "yield"]);
  let timer = false;
  platform.setTimer(1, () => timer = true);
  while (!timer) await new Promise<void>((resolve) => platform.yield(resolve));
});

test("poll comes behind defer, and lets timers have their turn; Deno has none", async () => {
  assertEquals(platform.poll === undefined, platform.name === "deno");
  if (platform.poll === undefined) return;
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    platform.poll!(() => {
      order.push("poll");
      resolve();
    });
    platform.defer(() => order.push("defer"));
    order.push("now");
  });
  assertEquals(order, ["now", "defer", "poll"]);
  let timer = false;
  platform.setTimer(1, () => timer = true);
  while (!timer) await new Promise<void>((resolve) => platform.poll!(resolve));
});

test("the machine has a name", () => {
  assertMatch(platform.hostname(), /^[^\s]+$/);
});

test("a variable of the environment is read, and is undefined where it is not set", () => {
  assertEquals(platform.env("PATH"), process.env.PATH);
  assertEquals(platform.env("ERGO_TS_NOBODY_SETS_THIS"), undefined);
});

test("a file is read as text, and one that is not there is named", async () => {
  const path = new URL("./platform.test.ts", import.meta.url).pathname;
  assertMatch(await platform.readTextFile(path), /^import/);
  const error = await assertRejects(() => platform.readTextFile("/nowhere/to/be/found"), Error);
  assertMatch(error.message, /^Cannot read \/nowhere\/to\/be\/found: /);
  assert(error.cause instanceof Error);
});

test("a log line is one line on standard error, whatever it quotes", async () => {
  const { code, output } = await run(command(logs));
  assertEquals(code, 0);
  assertEquals(output, "warning: one\\nerror: two \\x1b[31m\ninfo: plain");
});

test("what is printed arrives whole and in order", async () => {
  const child = start(command(prints));
  let [output, faults] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text) => output += text);
  child.stderr!.on("data", (text) => faults += text);
  const [code] = await once(child, "close");
  const lines = Array.from({ length: 200 }, (_, i) => `${i} Zoë ${"x".repeat(5_000)}\n`);
  assertEquals([code, faults], [0, "done\n"]);
  assertEquals(output, `${lines.join("")}the end\n`);
});

test("a program whose output nobody reads runs on", async () => {
  const child = start(command(prints));
  child.stdout!.destroy();
  let faults = "";
  child.stderr!.on("data", (text) => faults += text);
  const [code] = await once(child, "close");
  assertEquals([code, faults], [0, "done\n"]);
});

test("a value is shown as console.log shows it", () => {
  assertEquals(platform.inspect({ a: [1, "b"] }), "{ a: [ 1, 'b' ] }");
  assertEquals(platform.inspect(atom("ok")), "ok");
  assertEquals(platform.inspect("text"), "'text'");
});

test("a signal is heard until it is disposed of, and does not keep the program alive", async () => {
  const child = start(command(signals));
  let output = "";
  child.stdout!.on("data", (text) => {
    output += text;
    if (output === "ready\n") process.kill(child.pid!, "SIGTERM");
    if (output === "ready\nheard\ndisposed\n") process.kill(child.pid!, "SIGTERM");
  });
  const [code, signal] = await once(child, "close");
  assertEquals(output, "ready\nheard\ndisposed\n");
  // The second signal found nobody who listens.
  assertEquals([code, signal], [null, "SIGTERM"]);
});

test("a listener for signals and a timer that is unref'd let the program end", async () => {
  assertEquals(await run(command(signals, ["unref"])), { code: 0, output: "ready" });
});

test("a node's needs are met with no permission but the network", async () => {
  const { code, output } = await run(command(bare));
  assertEquals(code, 0, output);
  const report = JSON.parse(output);
  assertEquals(report.heard, "hello");
  assertEquals(report.ticks, ["defer", "yield", "timer"]);
  assertEquals([report.random, report.digest], [8, 16]);
  if (platform.name !== "deno") return;
  assertEquals(report.hostname, "localhost");
  assertEquals(report.home, null);
  assertEquals(
    report.file,
    "Error: Cannot read /etc/hostname: not permitted, run with --allow-read=/etc/hostname",
  );
});
