import { type Node, type Pid, ProcessGroups, startNode } from "../../../mod.ts";
import { processorTime, type Work } from "../../_measure.ts";
import { localNode } from "./processes.ts";

const ROUNDS = 1_000;
const COOKIE = "curves";

export const POINTS = {
  "groups": async (size: number): Promise<Work> => {
    const node = await localNode();
    const scope = await node.start(ProcessGroups, [], { register: "groups" });
    const members = someWaiting(node);
    for (let i = 0; i < size; i++) scope.join(i, waiting(node));
    return () => {
      for (const [i, member] of members.entries()) {
        scope.join(i % size, member);
        scope.leave(i % size, member);
      }
      return members.length;
    };
  },
  "group-members": async (size: number): Promise<Work> => {
    const node = await localNode();
    const scope = await node.start(ProcessGroups, [], { register: "groups" });
    const members = someWaiting(node);
    for (let i = 0; i < size; i++) scope.join(0, waiting(node));
    return () => {
      for (const member of members) {
        scope.join(0, member);
        scope.leave(0, member);
      }
      return members.length;
    };
  },
  // Two nodes in this program, of which one starts its scope again and again.
  "groups-meet": async (size: number): Promise<Work> => {
    const far = await startNode("far@localhost", { cookie: COOKIE, epmd: false });
    const near = await startNode("near@localhost", {
      cookie: COOKIE,
      epmd: false,
      listen: false,
      routes: { "far@localhost": { port: far.addresses[0].port } },
    });
    await near.connect("far@localhost");
    const there = await far.start(ProcessGroups, [], { register: "groups" });
    for (let i = 0; i < size; i++) there.join(i, waiting(far));
    const last = size - 1;
    return async () => {
      let ms = 0;
      const rounds = Math.max(1, Math.floor(100 / size));
      for (let i = 0; i < rounds; i++) {
        const began = processorTime();
        const here = await near.start(ProcessGroups, [], { register: "groups" });
        while (here.members(last).length === 0) await new Promise((next) => setTimeout(next));
        ms += processorTime() - began;
        await here.stop();
      }
      return { count: rounds * size, ms };
    };
  },
};

/**
 * Those that come and go. They are many, for a `Map` in which one key comes and goes walks past all that was deleted of it: one process that
 * does nothing else costs more the larger its scope is.
 */
function someWaiting(node: Node): Pid[] {
  return Array.from({ length: ROUNDS }, () => waiting(node));
}

function waiting(node: Node): Pid {
  return node.spawn((self) => self.receive());
}
