/**
 * A replicated map on three nodes, with its log in files, under everything that can happen to them: no term has two leaders, every member carries out
 * the same, and what clients have seen is linearizable.
 */

import {
  type Encodable,
  fileStorage,
  format,
  type Node,
  RaftError,
  RaftMap,
  type RaftMapRef,
  type Simulation,
  type Term,
} from "../../mod.ts";
import { type Input, notLinearizable, type Operation } from "../gen/raft/_linearizability.ts";

const NAMES = ["a@sim", "b@sim", "c@sim"];
const KEYS = ["x", "y"];
const END = 20_000;

type Texts = RaftMap<string>;

export default {
  options: {
    network: { latency: [0.1, 10] as const },
    drift: 0.05,
    faults: {
      crash: { every: 4_000, lasts: [50, 2_000] as const, storage: ["keep", "written"] as const },
      pause: { every: 4_000, lasts: [50, 1_500] as const },
      partition: { every: 3_000, lasts: [50, 3_000] as const },
      reset: { every: 2_000 },
      until: END,
    },
  },
  /** In the normal tests, on each runtime. */
  seeds: 3,
  script: async (sim: Simulation): Promise<void> => {
    const history: Operation[] = [];
    const members = new Map<string, RaftMapRef<Texts, string>>();
    const applied = new Map<number, string>();
    const leaders = new Map<number, string>();

    class Checked extends RaftMap<string> {
      override apply(command: Term, serial: number): Encodable {
        const text = format(command);
        const known = applied.get(serial);
        if (known === undefined) applied.set(serial, text);
        else if (known !== text) throw new Error(`entry ${serial} is ${known} and ${text}`);
        return super.apply(command, serial);
      }
    }
    const boot = async (node: Node): Promise<void> => {
      const options = {
        members: NAMES,
        storage: fileStorage("data/raft"),
        electionTimeout: 300,
        heartbeat: 50,
        snapshotEvery: 40,
        keep: 10,
      };
      members.set(node.name, await node.start(Checked, [options], { register: "map" }));
    };
    sim.invariant("no term has two leaders", () => {
      for (const [name, { status: { role, term } }] of members) {
        if (role !== "leader" || sim.node(name) === null) continue;
        const other = leaders.get(term);
        if (other !== undefined && other !== name) {
          throw new Error(`${other} and ${name} lead term ${term}`);
        }
        leaders.set(term, name);
      }
    });
    for (const name of NAMES) await sim.startNode(name, {}, boot);

    let values = 0;
    const client = async (id: number, name: string): Promise<void> => {
      while (sim.now < END) {
        await sim.sleep(sim.random.between(1, 300));
        const map = members.get(name);
        if (sim.node(name) === null || map === undefined) continue;
        const key = sim.random.pick(KEYS);
        const value = `${id}.${++values}`;
        const input: Input = sim.random.chance(0.5) ? { type: "get" } : { type: "put", value };
        const operation: Operation = { client: id, key, input, call: sim.now, end: Infinity };
        history.push(operation);
        // Where its node crashes, nothing comes back.
        await Promise.race([ask(map, operation), sim.sleep(3_000)]);
      }
    };
    const ask = async (map: RaftMapRef<Texts, string>, operation: Operation): Promise<void> => {
      const { input, key } = operation;
      const short = map.with({ timeout: 2_000 });
      try {
        let output: string | null = "ok";
        if (input.type === "put") await short.set(key, input.value);
        else output = await short.get(key) ?? null;
        operation.output = output;
        operation.end = sim.now;
      } catch (error) {
        // What has not happened is no part of the history.
        const never = error instanceof RaftError && !error.mayHaveHappened;
        if (never) history.splice(history.indexOf(operation), 1);
      }
    };
    await Promise.all(NAMES.map((name, i) => client(i, name)));
    await sim.until(() => NAMES.every((name) => sim.node(name) !== null));
    await members.get("a@sim")!.with({ timeout: 30_000 }).set("x", "the last one");
    await sim.until(() => {
      const serials = [...members.values()].map((map) => map.serial());
      return serials.every((serial) => serial === serials[0]);
    });
    const known = history.filter(({ end }) => end !== Infinity).length;
    sim.note(`${history.length} operations, ${known} known, ${leaders.size} leaders`);
    const key = notLinearizable(history);
    if (key !== null) throw new Error(`the history of ${key} is not linearizable`);
  },
};
