import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { atom, type Encodable, type Node, startNode, tuple } from "../../../mod.ts";
import { Client } from "../../../lib/gen/raft/_client.ts";
import { QUERY } from "../../../lib/gen/raft/_requests.ts";
import { RaftError } from "../../../lib/gen/raft/raft_error.ts";
import { encode } from "../../../lib/etf/encoder.ts";

/** What has come of it. */
export interface Killed {
  readonly acknowledged: number;
  /** Of which it is not known whether they happened, by the timeout of the client. */
  readonly unknown: number;
  /** Milliseconds from each kill to the first acknowledgement of something that was asked for after it. */
  readonly recovery: readonly number[];
}

const CLIENTS = 8;

/**
 * Three members, each an operating system process with a log in files, under load; the leader is ended by SIGKILL, again and again, and started
 * again. What was acknowledged has to be there at the end, once.
 *
 * @param commands by which the members are started, one for each.
 */
export async function killLeaders(
  commands: readonly (readonly string[])[],
  kills: number,
  log: (text: string) => void = () => {},
): Promise<Killed> {
  const folder = await mkdtemp(join(tmpdir(), "raft-kill-"));
  const names = commands.map((_, i) => `m${i + 1}@127.0.0.1`);
  const ports = await freePorts(commands.length + 1);
  const driver = "driver@127.0.0.1";
  const routes = [...names, driver].map((name, i) => `${name}=${ports[i]}`);
  const children: (ChildProcess | null)[] = commands.map(() => null);
  const start = async (i: number): Promise<void> => {
    const [program, ...args] = commands[i];
    const own = [names[i], String(ports[i]), join(folder, `m${i + 1}`), ...routes];
    const child = spawn(program, [...args, ...own], { stdio: ["ignore", "pipe", "pipe"] });
    children[i] = child;
    let faults = "";
    child.stderr!.on("data", (bytes) => faults += bytes);
    await new Promise<void>((resolve, reject) => {
      child.stdout!.once("data", () => resolve());
      child.once("exit", (code) => {
        if (children[i] === child) {
          reject(new Error(`member ${i + 1} ended with ${code}: ${faults}`));
        }
      });
    });
  };
  const kill = async (i: number): Promise<void> => {
    const child = children[i];
    if (child === null) return;
    children[i] = null;
    if (child.exitCode !== null || child.signalCode !== null) return; // it has ended by itself
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  let node: Node | null = null;
  try {
    node = await startNode(driver, {
      cookie: "a cookie for tests",
      epmd: false,
      signals: false,
      routes: Object.fromEntries(
        names.map((name, i) => [name, { host: "127.0.0.1", port: ports[i] }]),
      ),
      listen: { host: "127.0.0.1", port: ports[names.length] },
      log: { level: "none" },
    } as never);
    await Promise.all(commands.map((_, i) => start(i)));
    return await drive(node, names, kills, { kill, start }, log);
  } finally {
    await node?.stop();
    await Promise.all(commands.map((_, i) => kill(i)));
    await rm(folder, { recursive: true, force: true });
  }
}

async function drive(
  node: Node,
  names: readonly string[],
  kills: number,
  { kill, start }: { kill(i: number): Promise<void>; start(i: number): Promise<void> },
  log: (text: string) => void,
): Promise<Killed> {
  const from = node._core.main;
  let turn = 0;
  const client = (): Client =>
    new Client(node, {
      name: "bank",
      nearest: () => names[turn++ % names.length],
      leader: () => null,
      isRemoved: () => false,
    });
  const counts = Array.from({ length: CLIENTS }, () => ({ acknowledged: 0, unknown: 0 }));
  let isOver = false;
  let acknowledged: () => void = () => {};
  const work = counts.map(async (count, i) => {
    const one = client();
    while (!isOver) {
      try {
        const deposit = tuple(atom("deposit"), `c${i}`, 1) as Encodable;
        const balance = await one.append(from, deposit, 30_000) as number;
        count.acknowledged++;
        const least = count.acknowledged;
        assert(balance >= least && balance <= least + count.unknown, `c${i}: ${balance}`);
        acknowledged();
      } catch (error) {
        if (!(error instanceof RaftError) || error.kind !== "timeout") throw error;
        if (error.mayHaveHappened) count.unknown++;
      }
    }
  });
  const failed = Promise.all(work);
  failed.catch(() => {}); // is looked at below
  const probe = client();
  const recovery: number[] = [];
  const count = tuple(QUERY, encode(atom("count"))) as Encodable;
  await probe.repeat(from, count, 120_000);
  for (let i = 0; i < kills; i++) {
    // Some work in between, under which the leader ends.
    for (let done = 0; done < 20; done++) {
      await Promise.race([failed, new Promise<void>((resolve) => acknowledged = resolve)]);
    }
    const leader = await leaderOf(node, names);
    await kill(leader);
    const killed = performance.now();
    await probe.append(from, tuple(atom("deposit"), "probe", 1) as Encodable, 120_000);
    recovery.push(performance.now() - killed);
    await start(leader);
    if ((i + 1) % 10 === 0) log(`${i + 1} kills, ${total(counts, "acknowledged")} acknowledged`);
  }
  isOver = true;
  await failed;
  for (const [i, { acknowledged, unknown }] of counts.entries()) {
    const query = tuple(QUERY, encode(tuple(atom("balance"), `c${i}`) as Encodable)) as Encodable;
    const balance = await probe.repeat(from, query, 120_000) as number;
    assert(balance >= acknowledged, `c${i}: ${balance} of ${acknowledged} acknowledged are there`);
    assert(balance <= acknowledged + unknown, `c${i}: ${balance}, asked for ${acknowledged}`);
  }
  const query = tuple(QUERY, encode(tuple(atom("balance"), "probe") as Encodable)) as Encodable;
  assertEquals(await probe.repeat(from, query, 120_000), kills);
  return {
    acknowledged: total(counts, "acknowledged") + kills,
    unknown: total(counts, "unknown"),
    recovery,
  };
}

function total(
  counts: readonly { acknowledged: number; unknown: number }[],
  which: "acknowledged" | "unknown",
): number {
  return counts.reduce((sum, one) => sum + one[which], 0);
}

/** Which member leads, as soon as one says so of itself. */
async function leaderOf(node: Node, names: readonly string[]): Promise<number> {
  for (let i = 0;; i++) {
    const name = names[i % names.length];
    const status = await node.call({ name: "bank", node: name }, atom("$raft_status"), {
      timeout: 2_000,
    }).catch(() => null) as { field(name: string): unknown } | null;
    if (status?.field("role") === atom("leader")) return i % names.length;
    await node.sleep(10);
  }
}

/** Ports that nobody has, below those that the system gives to connections: a member has to get its own again. */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree && !ports.includes(port)) ports.push(port);
  }
  return ports;
}
