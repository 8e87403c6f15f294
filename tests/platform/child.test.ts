import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import {
  type ChildProcess,
  type ExitStatus,
  INPUT_HIGH_WATER,
  type OutputSource,
  type SpawnCommand,
  SpawnFailed,
} from "../../lib/platform/child.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { runtime } from "../_support/runtime.ts";
import { command, run } from "../transport/_run.ts";

const platform = await defaultPlatform();
// The program's end is all that some tests wait for, and it keeps nothing alive.
const alive = platform.keepAlive();

/** A program, and what it has told. */
class Program {
  readonly child: ChildProcess;
  readonly text: Record<OutputSource, string> = { stdout: "", stderr: "" };
  received = 0;
  drains = 0;
  readonly status: Promise<ExitStatus>;
  readonly ended: Promise<unknown>;
  onData: () => void = () => {};

  constructor(child: ChildProcess, keepText: boolean) {
    this.child = child;
    const ends: Partial<Record<OutputSource, () => void>> = {};
    this.ended = Promise.all(
      (["stdout", "stderr"] as const).map((from) =>
        new Promise<void>((resolve) => ends[from] = resolve)
      ),
    );
    this.status = new Promise((resolve) => {
      child.start({
        data: (bytes, from) => {
          assertEquals(bytes.constructor, Uint8Array);
          this.received += bytes.length;
          if (keepText) this.text[from] += new TextDecoder().decode(bytes);
          this.onData();
        },
        end: (from) => ends[from]!(),
        drain: () => void this.drains++,
        exit: resolve,
      });
    });
  }

  static async start(options: SpawnCommand, keepText = true): Promise<Program> {
    return new Program(await platform.spawn(options), keepText);
  }

  async untilData(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.onData = resolve);
  }
}

const shell = (script: string, options: Partial<SpawnCommand> = {}): SpawnCommand => ({
  command: "/bin/sh",
  args: ["-c", script],
  ...options,
});

const utf8 = new TextEncoder();

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks only
    return true;
  } catch {
    return false;
  }
}

test("what a program writes comes by its output, and its status at its end", async () => {
  const program = await Program.start(shell("echo out; echo err >&2; exit 7", { stderr: "piped" }));
  assertEquals(await program.status, { code: 7, signal: null });
  await program.ended;
  assertEquals(program.text, { stdout: "out\n", stderr: "err\n" });
});

test("what is written is its input, and ends where that is ended", async () => {
  const program = await Program.start({ command: "cat" });
  program.child.write(utf8.encode("one "));
  program.child.write(utf8.encode("two"));
  await program.untilData(() => program.text.stdout === "one two");
  program.child.endInput();
  program.child.endInput();
  assertEquals(await program.status, { code: 0, signal: null });
  await program.ended;
});

test("a program has the folder, the arguments and the environment that it is given", async () => {
  const show = 'pwd; echo "$1" "$A" "${HOME:-none}"';
  const args = ["-c", show, "sh", "an argument; with *"];
  const one = await Program.start({ command: "sh", args, cwd: "/", env: { A: "b c" } });
  await one.ended;
  const home = platform.env("HOME") ?? "none";
  assertEquals(one.text.stdout, `/\nan argument; with * b c ${home}\n`);
  const two = await Program.start({ command: "/bin/sh", args, env: { A: "b" }, clearEnv: true });
  await Promise.all([one.status, two.status, two.ended]);
  assertEquals(two.text.stdout.split("\n")[1], "an argument; with * b none");
});

test("a signal ends it, and is told by its name and as shells do", async () => {
  const program = await Program.start(shell("exec sleep 60"));
  assert(lives(program.child.pid));
  program.child.kill("SIGTERM");
  assertEquals(await program.status, { code: 143, signal: "SIGTERM" });
  program.child.kill("SIGKILL"); // nobody is there any more
  await program.ended;
});

test("a group is ended with all that the program has started", async () => {
  const script = "sleep 60 & echo $!; wait";
  const program = await Program.start(shell(script, { group: true }));
  await program.untilData(() => program.text.stdout.endsWith("\n"));
  const below = Number(program.text.stdout);
  assert(lives(below));
  program.child.kill("SIGTERM");
  assertEquals((await program.status).signal, "SIGTERM");
  await program.ended; // whoever had its output is gone, too
});

test("outputs that somebody holds open beyond the program's end are let go", async () => {
  const program = await Program.start(shell("sleep 60 & echo $!; exit 3"));
  await program.untilData(() => program.text.stdout.endsWith("\n"));
  assertEquals((await program.status).code, 3);
  program.child.release();
  await program.ended;
  process.kill(
    Number(program.text.stdout),
  );
});

test("a program that is not read waits, and goes on when it is", async () => {
  const total = 20_000_000;
  const program = await Program.start(
    shell(`head -c ${total} /dev/zero`, { stderr: "null" }),
    false,
  );
  let paused = 0;
  await program.untilData(() => {
    if (program.received < 100_000) return false;
    paused = program.received;
    program.child.pause("stdout");
    return true;
  });
  let over = false;
  void program.status.then(() => over = true);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(over, false);
  assertEquals(program.received, paused);
  program.child.resume("stdout");
  await Promise.all([program.status, program.ended]);
  assertEquals(program.received, total);
});

test("who writes more than a program reads is told, and told when it was read", async () => {
  const program = await Program.start(shell("kill -STOP $$; exec wc -c"));
  const piece = new Uint8Array(256 * 1024);
  let sent = piece.length;
  while (program.child.write(piece)) sent += piece.length;
  assert(program.child.buffered > INPUT_HIGH_WATER);
  assertEquals(program.drains, 0);
  // It may not have stopped itself yet, and goes on when it has.
  void program.status.then(() => clearInterval(going));
  const going = setInterval(
    () => lives(program.child.pid) && process.kill(program.child.pid, "SIGCONT"),
    10,
  );
  program.child.endInput();
  await Promise.all([program.status, program.ended]);
  assertEquals(program.drains, 1);
  assertEquals(Number(program.text.stdout), sent);
});

test("what a program that has gone does not read is dropped, and nobody waits for it", async () => {
  const program = await Program.start({ command: "true" });
  await program.status;
  await program.ended;
  const piece = new Uint8Array(INPUT_HIGH_WATER);
  for (let i = 0; i < 4; i++) program.child.write(piece);
  while (program.child.buffered > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(program.child.write(piece), true);
});

for (
  const [options, code] of [
    [{ command: "/no/such/program" }, "ENOENT"],
    [{ command: "no-such-program-anywhere" }, "ENOENT"],
    [{ command: "/etc/passwd" }, "EACCES"],
    [{ command: "true", cwd: "/no/such/folder" }, "ENOENT"],
  ] as const
) {
  test(`a program that cannot be run is told of: ${Object.values(options).join(" in ")}`, async () => {
    const error = await assertRejects(() => platform.spawn(options), SpawnFailed);
    assertEquals((error as SpawnFailed).code, code);
    assertMatch((error as SpawnFailed).message, /^Cannot run /);
  });
}

if (runtime === "deno") {
  test("without the permission the error says which is needed", async () => {
    const [deno, verb, ...rest] = command(new URL("./_child_program.ts", import.meta.url));
    assertEquals((await run([deno, verb, ...rest])).output, "EPERM --allow-run=echo");
    assertEquals((await run([deno, verb, "--allow-run=echo", ...rest])).output, "hello");
  });
}

test("nothing of it keeps the program alive", () => {
  alive[Symbol.dispose]();
});

testNothingIsLeft();
