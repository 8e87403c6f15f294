import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import {
  atom,
  type Node,
  type Pid,
  ProcessGroups,
  type ProcessGroupsRef,
  startNode,
  type Term,
} from "../../mod.ts";
import {
  type Epmd,
  epmdNames,
  type ErlangNode,
  poll,
  startEpmd,
  startErlang,
} from "../_support/erlang.ts";
import { COOKIE } from "../_support/interop.ts";
import { Relay } from "../_support/relay.ts";
import { end, idle } from "./_groups.ts";

const SCOPE = "storms";
const GROUPS = ["a", "b", "c", "d"];
const MEMBERS = fileURLToPath(new URL("./pg_members.erl", import.meta.url));
const ONE = "one@localhost";
const TWO = "two@localhost";
const STAYS = "stays@localhost";
const CUT_OFF = "cut_off@localhost";

/** What happens in a cycle, besides storms of joining and leaving. */
export const TROUBLES = [
  "nothing else",
  "the relay resets the connections",
  "a split, with storms on both sides",
  "theirs is killed, and comes back",
  "their scope is killed, and starts late",
  "our scope ends, and starts late",
  "theirs part",
] as const;

/** One that takes its time, for the long run. */
export const VERY_LATE = "their scope is killed, and starts seconds later";

/** A group as a node sees it: its members by their keys, each as often as it has joined. */
interface View {
  readonly local: Map<string, string[]>;
  readonly all: Map<string, string[]>;
}

/**
 * Two nodes of Erlang and two of ours, which share a scope. One of ours is connected with all others through relays, and nobody else can dial it, so
 * that it can be cut off.
 */
export class PgCluster implements AsyncDisposable {
  readonly #epmd: Epmd;
  readonly #erls: ErlangNode[];
  readonly #relays: Relay[];
  readonly #nodes: readonly [stays: Node, cutOff: Node];
  readonly #scopes: ProcessGroupsRef[] = [];
  /** Members of ours that live. */
  readonly #members: Pid[][] = [[], []];
  #split = false;
  #seed: number;

  private constructor(
    epmd: Epmd,
    erls: ErlangNode[],
    relays: Relay[],
    nodes: readonly [Node, Node],
    seed: number,
  ) {
    this.#epmd = epmd;
    this.#erls = erls;
    this.#relays = relays;
    this.#nodes = nodes;
    this.#seed = seed;
  }

  static async start(seed: number): Promise<PgCluster> {
    const epmd = await startEpmd();
    const erls = [await startOne(epmd, ONE), await startOne(epmd, TWO)];
    const stays = await startNode(STAYS, { cookie: COOKIE, epmd: { port: epmd.port } });
    // deno-lint-ignore prefer-const -- the relays ask it whether they are open
    let cluster: PgCluster;
    const relays: Relay[] = [];
    const routes: Record<string, { host: string; port: number }> = {};
    for (const name of [ONE, TWO, STAYS]) {
      const relay = await Relay.start(() => cluster.#split ? null : portOf(epmd, name));
      relays.push(relay);
      routes[name] = { host: "127.0.0.1", port: relay.port };
    }
    const cutOff = await startNode(CUT_OFF, { cookie: COOKIE, epmd: false, listen: false, routes });
    cluster = new PgCluster(epmd, erls, relays, [stays, cutOff], seed);
    findPorts(epmd, [ONE, TWO, STAYS]);
    for (const node of cluster.#nodes) {
      cluster.#scopes.push(await node.start(ProcessGroups, [], { register: SCOPE }));
    }
    await cluster.#connect();
    return cluster;
  }

  /** Storms and one trouble; all is well again when it resolves, but not all may know of all yet. */
  async cycle(trouble: typeof TROUBLES[number] | typeof VERY_LATE): Promise<void> {
    const [one, two] = this.#erls;
    const storms = this.#storm();
    if (trouble === "the relay resets the connections") {
      for (const relay of this.#relays) relay.cut("reset");
      await storms;
    } else if (trouble === "a split, with storms on both sides") {
      this.#split = true;
      for (const relay of this.#relays) relay.cut(this.#next(2) === 0 ? "reset" : "end");
      await storms;
      await this.#storm();
      this.#split = false;
    } else if (trouble === "theirs is killed, and comes back") {
      await two.kill();
      await storms;
      this.#erls[1] = await startOne(this.#epmd, TWO);
      findPorts(this.#epmd, [TWO]);
    } else if (trouble === "their scope is killed, and starts late" || trouble === VERY_LATE) {
      await one.eval(`exit(whereis(${SCOPE}), kill)`);
      await storms;
      await this.#storm([two]);
      // By then ours look for it as seldom as they ever do.
      if (trouble === VERY_LATE) await sleep(8_000);
      // Not before the two of Erlang have told each other all: a leave that is there before that crashes OTP's pg, also between its own.
      await one.eval(`begin
        pg:start(${SCOPE}), sys:get_state(${SCOPE}),
        catch sys:get_state({${SCOPE}, '${TWO}'}), sys:get_state(${SCOPE}), ok
      end`);
    } else if (trouble === "our scope ends, and starts late") {
      const which = this.#next(2);
      await storms;
      await this.#scopes[which].stop();
      await this.#storm();
      const scope = await this.#nodes[which].start(ProcessGroups, [], { register: SCOPE });
      this.#scopes[which] = scope;
      for (const pid of this.#members[which]) scope.join(atom(this.#group()), pid);
    } else if (trouble === "theirs part") {
      await one.eval(`erlang:disconnect_node('${TWO}')`);
      await storms;
    }
    await storms;
    await this.#storm();
    await this.#connect();
  }

  /** Waits until every node's view is what all nodes say of their own. @throws with the views, after so many milliseconds. */
  async agreed(patience: number): Promise<void> {
    const until = performance.now() + patience;
    for (;;) {
      const views = await this.#views();
      const differences = differencesOf(views);
      if (differences === null) return;
      if (performance.now() > until) throw new Error(`the views differ: ${differences}`);
      await sleep(20);
    }
  }

  /** How many members there are. */
  async count(): Promise<number> {
    const views = [...(await this.#views()).values()];
    return [...views[0].all.values()].reduce((sum, members) => sum + members.length, 0);
  }

  /** What Erlang has printed: nothing, unless something of it has crashed. */
  output(): string {
    return this.#erls.map((erl) => erl.output()).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node.stop();
    for (const relay of this.#relays) await relay[Symbol.asyncDispose]();
    for (const erl of this.#erls) await erl.kill();
    await this.#epmd.kill();
  }

  async #connect(): Promise<void> {
    const [stays, cutOff] = this.#nodes;
    for (const name of [ONE, TWO]) await stays.connect(name);
    // A relay may just be cutting what was there, and a peer may not have noticed its end.
    const [one] = this.#erls;
    await poll(async () => await one.eval(`net_kernel:connect_node('${TWO}')`) === "true");
    for (const name of [ONE, TWO, STAYS]) {
      await poll(() => cutOff.connect(name).then(() => true, () => false));
    }
  }

  /** Members come and go on all nodes at once. */
  async #storm(erls: readonly ErlangNode[] = this.#erls): Promise<void> {
    const theirs = erls.map((erl) =>
      erl.eval(`pg_members:storm(${SCOPE}, [${GROUPS}], ${5 + this.#next(20)})`).catch(() => {}) // it was killed
    );
    for (const [i, node] of this.#nodes.entries()) {
      const scope = this.#scopes[i];
      const members = this.#members[i];
      for (let n = 5 + this.#next(30); n > 0; n--) {
        const dice = this.#next(6);
        const member = members[this.#next(members.length)];
        try {
          if (dice > 2 || member === undefined) {
            const pid = idle(node);
            members.push(pid);
            scope.join(atom(this.#group()), dice === 3 ? [pid, pid] : pid);
          } else if (dice === 0) {
            end(node, ...members.splice(members.indexOf(member), 1));
          } else if (dice === 1) {
            scope.leave(atom(this.#group()), member);
          } else {
            scope.join(atom(this.#group()), member);
          }
        } catch (error) {
          if ((error as Error).name !== "ProcessExitedError") throw error; // this scope is to start late
        }
        if (n % 7 === 0) await node.sleep(0);
      }
      end(node, ...members.splice(0, Math.max(0, members.length - 60)));
    }
    await Promise.all(theirs);
  }

  async #views(): Promise<Map<string, View>> {
    const views = new Map<string, View>();
    for (const [i, node] of this.#nodes.entries()) {
      const scope = this.#scopes[i];
      views.set(
        node.name,
        viewOf(
          scope.groups().map((group) => [group, scope.localMembers(group), scope.members(group)]),
        ),
      );
    }
    for (const { name } of this.#erls) {
      const view = await this.#nodes[0].rpc(name, "pg_members", "view", [atom(SCOPE)]);
      views.set(name, viewOf(view as [Term, Pid[], Pid[]][]));
    }
    return views;
  }

  #group(): string {
    return GROUPS[this.#next(GROUPS.length)];
  }

  /** A number from 0 to `below` - 1; the same ones for the same seed. */
  #next(below: number): number {
    this.#seed = Math.imul(this.#seed ^ (this.#seed >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    return ((this.#seed ^ (this.#seed >>> 13)) >>> 0) % Math.max(1, below);
  }
}

function viewOf(groups: readonly (readonly [Term, readonly Pid[], readonly Pid[]])[]): View {
  const keys = (pids: readonly Pid[]): string[] => pids.map((pid) => pid.key).sort();
  return {
    local: new Map(groups.map(([group, local]) => [String(group), keys(local)])),
    all: new Map(groups.map(([group, , all]) => [String(group), keys(all)])),
  };
}

function differencesOf(views: Map<string, View>): string | null {
  for (const group of GROUPS) {
    const truth = [...views.values()].flatMap(({ local }) => local.get(group) ?? []).sort();
    for (const [name, { all }] of views) {
      const known = all.get(group) ?? [];
      if (known.join() === truth.join()) continue;
      const missing = truth.filter((key) => !known.includes(key));
      const more = known.filter((key) => !truth.includes(key));
      return `${name} knows ${known.length} of ${truth.length} members of ${group}; missing ${
        missing.slice(0, 5)
      }, not there ${more.slice(0, 5)}`;
    }
  }
  return null;
}

/** The ports of nodes, which change when one starts again. */
const ports: Map<string, number> = new Map();

function portOf(epmd: Epmd, name: string): number | null {
  return ports.get(`${epmd.port} ${name}`) ?? null;
}

function findPorts(epmd: Epmd, names: readonly string[]): void {
  const text = epmdNames(epmd.port) ?? "";
  for (const name of names) {
    const found = new RegExp(`name ${name.split("@")[0]} at port (\\d+)`).exec(text);
    if (found === null) throw new Error(`epmd does not know ${name}:\n${text}`);
    ports.set(`${epmd.port} ${name}`, Number(found[1]));
  }
}

async function startOne(epmd: Epmd, name: string): Promise<ErlangNode> {
  const erl = await startErlang({ name, epmdPort: epmd.port, cookie: COOKIE });
  await erl.eval(`begin
    {ok, Module, Code} = compile:file(${JSON.stringify(MEMBERS)}, [binary, return_errors]),
    code:load_binary(Module, "pg_members", Code),
    pg:start(${SCOPE})
  end`);
  return erl;
}
