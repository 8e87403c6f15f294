/**
 * A node that a check on the other side can drive without knowing TypeScript: Erlang and Elixir talk to it, and compare.
 *
 *     deno run -A examples/conformance_node.ts NAME [--cookie C] [--tls DIR [--mutual]] [--published] [--epmd-port N]
 *       [--tick-time MS] [--config FILE.yaml]
 *
 * Prints `ready NAME` when it can be reached, and lives until it is stopped. What its processes answer stands at each of them.
 *
 * - `--tls DIR`: TLS both ways, and nothing else. DIR holds PEM files: `cert.pem`, which is shown to those who dial and to those who
 *   are dialled, its `key.pem`, and `ca.pem`, the authorities that a dialled node's certificate must come from; without that file
 *   those that the runtime trusts.
 * - `--mutual`: those who dial must show a certificate that comes from `ca.pem`, too.
 * - `--published`: a full member of a visible cluster; else the node is hidden.
 * - `--tick-time MS`: `net_ticktime` in milliseconds.
 * - The file of `--config` may hold the same options by name, as `epmd-port: 5000` or `published: true`.
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  atom,
  child,
  exit,
  type ExitReason,
  float,
  GenServer,
  isTuple,
  later,
  type Monitor,
  type Node,
  type NodeTls,
  on,
  Pid,
  type Self,
  startNode,
  supervisor,
  t,
  type Target,
  type Term,
  termKey,
  tuple,
  withSelf,
} from "../mod.ts";

interface Held {
  readonly term: Promise<Term>;
  readonly resolve: (term: Term) => void;
}

/** A pid, or `{Name, Node}`. */
const Reachable = t.union(t.pid, t.tuple(t.atom(), t.atom()));
/** What a timer takes. */
const Milliseconds = t.integer.where((ms) => ms >= 0 && ms < 2 ** 31, "0 to 2^31-1 milliseconds");
/** What a message may hold. */
const Size = t.integer.where((n) => n >= 0 && n < 2 ** 27 - 1024, "0 to 2^27-1025 bytes");

/**
 * | call | reply |
 * | --- | --- |
 * | `{echo, T}` | `T`, whatever term it is |
 * | `{later, Ms, T}` | `T` after `Ms`, while other calls are served |
 * | `{hold, K}` | what another call gives with `{release, K, T}`, which is answered `ok`; while other calls are served |
 * | `plain` | the pid of a process that obeys the messages of {@linkcode obey} |
 * | `{worker, P}` | such a process, which has linked itself to `P` |
 * | `{watch, P}` | the reference of a monitor; on DOWN `{watched, Ref, Object, Reason}` goes to that caller |
 * | `{unwatch, Ref}` | `ok`, the monitor taken back |
 * | `{tally, I}`, `{tally_get, Is}` | counts; `{done, I}`, `[{I, Count}]` |
 * | `{big, N}` | a binary of `N` bytes, each 7 |
 *
 * The cast `{to, P, T}` sends `T` to `P`; the message `{info, P, R, T}` sends `{R, T, SelfPid}` to `P`. Traps exits.
 */
class Echo extends GenServer {
  #watches: Map<string, Monitor> = new Map();
  #held: Map<unknown, Held> = new Map();
  #tally: Map<unknown, number> = new Map();

  override init(): void {
    this.trapExit = true;
  }

  override readonly calls = {
    echo: on(t.term, (term) => term),
    later: on(Milliseconds, t.term, (ms, term) => later(this.node.sleep(ms).then(() => term))),
    hold: on(t.term, (key) => later(this.#meet(key).term)),
    release: on(t.term, t.term, (key, term) => {
      this.#meet(key).resolve(term);
      return atom("ok");
    }),
    plain: () => this.node.spawn(obey),
    worker: on(t.pid, (pid) =>
      later(
        new Promise<Pid>((resolve) => {
          this.node.spawn((self) => {
            self.link(pid);
            resolve(self.pid);
            return obey(self);
          });
        }),
      )),
    watch: on(Reachable, (target) => {
      const watcher = this.caller!;
      const monitor = this.monitor(target as Target, ({ ref, object, reason }) => {
        this.#watches.delete(ref.key);
        this.send(watcher, tuple(atom("watched"), ref, object, reason) as Term);
      });
      this.#watches.set(monitor.ref.key, monitor);
      return monitor.ref;
    }),
    unwatch: on(t.ref, (ref) => {
      this.#watches.get(ref.key)?.[Symbol.dispose]();
      this.#watches.delete(ref.key);
      return atom("ok");
    }),
    tally: on(t.term, (i) => {
      const key = termKey(i);
      this.#tally.set(key, (this.#tally.get(key) ?? 0) + 1);
      return tuple(atom("done"), i);
    }),
    tally_get: on(t.list(), (is) => is.map((i) => tuple(i, this.#tally.get(termKey(i)) ?? 0))),
    big: on(Size, sevens),
  };

  override readonly casts = {
    to: on(t.pid, t.term, (pid, term) => this.send(pid, term)),
  };

  /** What a call `hold` and a call `release` share, whichever comes first. */
  #meet(key: Term): Held {
    const name = termKey(key);
    const known = this.#held.get(name);
    if (known !== undefined) {
      this.#held.delete(name);
      return known;
    }
    let resolve = (_: Term): void => {};
    const held = { term: new Promise<Term>((done) => resolve = done), resolve };
    this.#held.set(name, held);
    return held;
  }

  override handleInfo(message: Term): void {
    if (!isTuple(message) || message[0] !== atom("info") || message.length !== 4) return;
    const [, to, tag, term] = message;
    if (to instanceof Pid) this.send(to, tuple(tag, term, this.pid) as Term);
  }
}

/**
 * | message | effect |
 * | --- | --- |
 * | `{exit, R}` | exits with `R` |
 * | `{trap, To}` | traps exits, sends `trapping` to `To` |
 * | `{report_to, To}` | remembers `To`, sends it `ok` |
 * | `{send, To, M}` | sends `M` to `To` |
 * | a trapped exit signal | sends `{trapped, From, Reason}` to the remembered pid |
 */
async function obey(self: Self): Promise<void> {
  let reportTo: Pid | null = null;
  for await (const message of self) {
    if (!isTuple(message)) continue;
    const [, first, second] = message;
    switch (message.tag) {
      case "exit":
        return exit(first as ExitReason);
      case "trap":
        self.trapExit = true;
        self.send(first as Pid, atom("trapping"));
        break;
      case "report_to":
        reportTo = first as Pid;
        self.send(reportTo, atom("ok"));
        break;
      case "send":
        self.send(first as Pid, second);
        break;
      case "EXIT":
        if (reportTo !== null) self.send(reportTo, tuple(atom("trapped"), first, second) as Term);
        break;
    }
  }
}

/** Calls `get`, `{add, N}`, `{stop, Reason}`; casts `{add, N}`, `reset`. */
class Counter extends GenServer {
  #count = 0n; // an Erlang integer has no end

  override readonly calls = {
    get: () => this.#count,
    add: on(t.bigint, (n) => this.#count += n),
    stop: on(t.term, (reason) => {
      this.stop(reason as ExitReason);
      return atom("ok");
    }),
  };

  override readonly casts = {
    add: on(t.bigint, (n) => {
      this.#count += n;
    }),
    reset: () => {
      this.#count = 0n;
    },
  };
}

/** Calls or casts `{exit, Reason}`, which exits with that very term, and `throw`, which throws an error of JavaScript. */
class Crasher extends GenServer {
  override readonly calls = { exit: on(t.term, crash), throw: fail };
  override readonly casts = { exit: on(t.term, crash), throw: fail };
}

function crash(reason: Term): never {
  return exit(reason as ExitReason);
}

function fail(): never {
  throw new Error("thrown as it was asked for");
}

/** Answers what OTP's `supervisor` asks. Where it has ended, because of too many restarts, it is started again. */
const Sup = supervisor({
  strategy: "one_for_one",
  intensity: 3,
  period: 5_000,
  children: [
    child(Counter, [], { id: "a" }),
    child(Counter, [], { id: "b" }),
    child(Crasher, [], { id: "crasher" }),
  ],
});
const Root = supervisor({
  intensity: Infinity,
  children: [child(Sup, [], { id: "sup", register: "sup" })],
});

/** Acts from our side: `{spawn_remote, Node, M, F, Args}`, `{call, Target, Request}`, `{rpc, Node, M, F, Args}`, `{ping, Node}`. */
class Spawner extends GenServer {
  override readonly calls = {
    spawn_remote: on(
      t.atom(),
      t.atom(),
      t.atom(),
      t.list(t.term),
      (node, module, name, args) =>
        later(
          this.node.spawnRemote(node.name, module.name, name.name, args).catch(answerFailure),
        ),
    ),
    call: on(
      t.union(Reachable, t.atom()),
      t.term,
      (target, request) => later(this.node.call(target as Target, request).catch(answerFailure)),
    ),
    rpc: on(
      t.atom(),
      t.atom(),
      t.atom(),
      t.list(t.term),
      (node, module, name, args) =>
        later(this.node.rpc(node.name, module.name, name.name, args).catch(answerFailure)),
    ),
    ping: on(
      t.atom(),
      (node) => later(this.node.ping(node.name).then((up) => atom(up ? "pong" : "pang"))),
    ),
  };
}

/** A failed call is an answer too: `{error, Reason}`. */
function answerFailure(error: Error & { readonly exitReason?: Term }): Term {
  const reason = "exitReason" in error ? error.exitReason : String(error);
  return tuple(atom("error"), reason) as Term;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cookie: { type: "string" },
      tls: { type: "string" },
      mutual: { type: "boolean" },
      published: { type: "boolean" },
      "epmd-port": { type: "string" },
      "tick-time": { type: "string" },
      config: { type: "string" },
    },
  });
  const [name] = positionals;
  if (name === undefined) throw new Error("Cannot start: give the node's name, as demo@localhost");
  const file = values.config === undefined ? {} : await readConfig(values.config);
  const cookie = values.cookie ?? String(file.cookie ?? "secret");
  const port = values["epmd-port"] ?? file["epmd-port"];
  const tickTime = values["tick-time"] ?? file["tick-time"];
  const tls = values.tls ?? file.tls;
  const node = await startNode(name, {
    cookie,
    terms: { floats: "wrap" }, // what goes through any process of this node stays what it is
    ...(port === undefined ? {} : { epmd: { port: Number(port) } }),
    ...(tickTime === undefined ? {} : { tickTime: Number(tickTime) }),
    published: values.published ?? file.published === true,
    ...(tls === undefined
      ? {}
      : { tls: tlsOf(String(tls), values.mutual ?? file.mutual === true) }),
  });
  await serve(node);
  console.log(`ready ${name}`);
  await node.stopped;
}

function tlsOf(folder: string, requestCert: boolean): NodeTls {
  const [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map((name) => join(folder, name));
  return { cert, key, requestCert, ...existsSync(ca) ? { ca } : {} };
}

/** The options of a YAML file. Its parser is a development dependency, which a node without a file does not need. */
async function readConfig(path: string): Promise<Record<string, unknown>> {
  const { parse } = await import("@std/yaml");
  return parse(await readFile(path, "utf8")) as Record<string, unknown>;
}

let madeSevens = new Uint8Array(0);

/** So many bytes, each 7. Made once: to fill fresh memory holds up everything else in the node. */
function sevens(n: number): Uint8Array {
  if (madeSevens.length < n) madeSevens = new Uint8Array(n).fill(7);
  return madeSevens.subarray(0, n);
}

const Addend = t.union(t.bigint, t.float);

/** As Erlang adds: integers of any size, and floats as soon as one of the two is a float. */
function add(a: bigint | number, b: bigint | number): Term {
  return typeof a === "bigint" && typeof b === "bigint" ? a + b : float(Number(a) + Number(b));
}

export async function serve(node: Node): Promise<void> {
  await node.start(Echo, [], { register: "echo" });
  await node.start(Counter, [], { register: "counter" });
  await node.start(Spawner, [], { register: "spawner" });
  await node.start(Root, []);
  node.provide("demo", {
    sum: on(Addend, Addend, add),
    boom: () => exit(atom("boom")),
    sleep: on(t.integer, async (ms) => {
      await node.sleep(ms);
      return atom("ok");
    }),
    hold: (key) => node.call("echo", tuple(atom("hold"), key) as Term, { timeout: Infinity }),
    loop: withSelf(obey),
  });
}

if (import.meta.main ?? process.argv[1]?.endsWith("conformance_node.ts")) await main();
