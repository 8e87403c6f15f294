/**
 * A real node of Ergo 2, in Go, beside ours: calls, messages, monitors, and sagas that take part in each other's transactions. Needs Go and its module proxy:
 * `deno task interop:ergo`.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { spawn } from "node:child_process";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  atom,
  type Encodable,
  format,
  type Node,
  Saga,
  startNode,
  type Term,
  type Transaction,
  TransactionCancelledError,
  tuple,
} from "../../../mod.ts";
import { freePort, poll, startEpmd } from "../../_support/erlang.ts";

const THEIRS = "ergo@localhost";
const COOKIE = "secret";

/** Builds the program of the other side. */
function build(): string {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ergo-ts-interop");
  const source = join(cache, "src");
  mkdirSync(source, { recursive: true });
  cpSync(fileURLToPath(new URL(".", import.meta.url)), source, { recursive: true });
  const out = join(cache, "ergo");
  const args = ["build", "-mod=mod", "-buildvcs=false", "-o", out, "."];
  const { status, stderr } = spawnSync("go", args, { cwd: source, encoding: "utf8" });
  if (status !== 0) throw new Error(`go cannot build the node of Ergo: ${stderr}`);
  return out;
}

class Ours extends Saga<unknown, unknown> {
  #log!: string[];
  override init(log: string[]): void {
    this.#log = log;
  }
  override async handleTransaction(tx: Transaction, value: unknown): Promise<unknown> {
    tx.compensate(() => void this.#log.push("taken back"));
    if (value === 13) throw new Error("unlucky");
    if (value === 7) return value;
    const interim: unknown[] = [];
    const saga = { name: "saga", node: THEIRS };
    const result = await tx.next(saga, value as Encodable, {
      interim: (part) => interim.push(part),
    });
    // Ergo sends by several goroutines, in any order: what comes after the result is dropped.
    assert(interim.length <= 1);
    return result;
  }
  override handleCommit(_tx: Transaction, final: unknown): void {
    this.#log.push(`committed ${format(final as Term)}`);
  }
  override handleCancel(_tx: Transaction, reason: string): void {
    this.#log.push(`cancelled ${reason}`);
  }
}

/** A node of ours beside one of Ergo. */
async function both(
  body: (node: Node, printed: () => string, log: string[]) => Promise<void>,
): Promise<void> {
  await using epmd = await startEpmd();
  const child = spawn(build(), [THEIRS, String(epmd.port), COOKIE], { stdio: ["pipe", "pipe", 2] });
  let printed = "";
  child.stdout!.on("data", (text) => printed += text);
  try {
    await poll(() => printed.includes("ready"));
    await using node = await startNode("ours@localhost", {
      cookie: COOKIE,
      epmd: { port: epmd.port },
      listen: { port: await freePort() },
    });
    const log: string[] = [];
    await node.start(Ours, [log], { register: "ours" });
    await body(node, () => printed, log);
  } finally {
    child.kill("SIGKILL");
  }
}

test("calls, messages and monitors", async () => {
  await both(async (node) => {
    const echo = { name: "echo", node: THEIRS };
    node.send(echo, tuple(atom("hello"), 1));
    const reply = await node.call(echo, [1, 2.5, "text", atom("a")] as Encodable);
    assertEquals(format(reply), '{{hello,1},[1,2.5,<<"text">>,a]}');
    const down = new Promise((resolve) => node.monitor({ name: "nobody", node: THEIRS }, resolve));
    assertEquals(format((await down as { reason: Term }).reason), "noproc");
  });
});

test("a saga of Ergo takes part in a transaction of ours", async () => {
  await both(async (node, printed, log) => {
    const ours = node.ref(Ours, "ours") as unknown as { run(value: unknown): Promise<unknown> };
    assertEquals(await ours.run(5), 5);
    await poll(() => printed().includes("commit 5"));
    assertEquals(log, ["committed 5"]);
    log.length = 0;
    const error = await assertRejects(() => ours.run(atom("fail")), TransactionCancelledError);
    assertEquals(error.reason, "not today");
    assertEquals(log, ["taken back", "cancelled not today"]);
  });
});

test("ours takes part in a transaction of a saga of Ergo", async () => {
  await both(async (node, printed, log) => {
    const next = (value: number) => tuple(atom("next"), atom("ours"), atom(node.name), value);
    node.send({ name: "saga", node: THEIRS }, next(7));
    await poll(() => printed().includes("result 7"));
    await poll(() => log.length > 0);
    assertEquals(log.length, 1);
    assert(log[0].startsWith("committed "), log[0]);
    log.length = 0;
    node.send({ name: "saga", node: THEIRS }, next(13));
    await poll(() => printed().includes("cancel Error: unlucky"));
    assertEquals(log, ["taken back", "cancelled Error: unlucky"]);
  });
});
