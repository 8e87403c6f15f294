import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertInstanceOf, assertStrictEquals } from "@std/assert";
import { atom, EpmdError, type Node, type NodeOptions, startNode } from "../../mod.ts";
import { environment, freePort, needsErlang, poll, run, startEpmd } from "../_support/erlang.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { runtime } from "../_support/runtime.ts";
import { failure } from "../gen/_servers.ts";

const source = new URL("./_named_program.ts", import.meta.url);
const mod = new URL("../../mod.ts", import.meta.url).href;

/** How each runtime starts a program again when its text changes. */
const WATCHING: Readonly<Record<typeof runtime, readonly (readonly string[])[]>> = {
  deno: [["run", "--watch", "--allow-all", "--no-check"]],
  bun: [["--hot"], ["--watch"]],
  node: [["--watch"]],
};

/** What the program says of itself over the network. */
async function version(from: Node): Promise<string> {
  const target = { name: "version", node: "named@localhost" };
  return String(await from.call(target, atom("version")).catch(() => "none"));
}

for (const flags of WATCHING[runtime]) {
  const named = flags.find((flag) => flag === "--hot" || flag === "--watch");
  test(`a program may be changed while ${runtime} ${named} runs it, and keeps its node's name`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "ergo-reload-"));
    const file = join(folder, "program.ts");
    const write = (name: string): void => {
      const text = readFileSync(source, "utf8").replaceAll("VERSION", name);
      writeFileSync(file, text.replace("../../mod.ts", mod));
    };
    write("first");
    const port = await freePort();
    // The daemon is in this program, and so not in the one that is started again.
    const options: NodeOptions = { cookie: "secret", epmd: { port }, signals: false };
    await using node = await startNode("watcher@localhost", options);
    const env = { ...environment(port), TEST_EPMD_PORT: String(port) };
    await using program = run(process.execPath, [...flags, file], env);
    try {
      for (const name of ["first", "second"]) {
        if (name !== "first") write(name);
        await poll(async () => await version(node) === name, program);
      }
    } finally {
      // Node's watcher runs the program in a process of its own, and takes it along when it is asked to end.
      if (runtime === "node") process.kill(program.pid, "SIGTERM");
      else await program.kill();
      await program.exited;
      rmSync(folder, { recursive: true });
    }
  });
}

test("the name of a program that was killed is free at once", { skip: needsErlang }, async () => {
  await using epmd = await startEpmd();
  const env = { ...environment(epmd.port), TEST_EPMD_PORT: String(epmd.port) };
  const flags = runtime === "deno" ? ["run", "--allow-all", "--no-check"] : [];
  const file = source.pathname;
  await using program = run(process.execPath, [...flags, file], env);
  await poll(() => program.output().includes("VERSION is ready"), program);
  const options: NodeOptions = { cookie: "secret", epmd: { port: epmd.port }, signals: false };
  const taken = await failure(startNode("named@localhost", options)); // it is there
  assertInstanceOf(taken, EpmdError);
  assertStrictEquals(taken.reason, "duplicate_name");
  await program.kill();
  await using node = await startNode("named@localhost", options);
  assertStrictEquals(node.isAlive(node.whereis("rex")!), true);
});

test("the name of a node that stops is waited for", async () => {
  const options: NodeOptions = {
    cookie: "secret",
    epmd: { port: await freePort() },
    signals: false,
  };
  await using _other = await startNode("other@localhost", options);
  const first = await startNode("named@localhost", options);
  const stopping = first.stop();
  await using second = await startNode("named@localhost", options);
  await stopping;
  assertStrictEquals(second.isAlive(second.whereis("rex")!), true);
});

testNothingIsLeft();
