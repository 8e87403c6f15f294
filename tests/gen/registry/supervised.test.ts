import { assert, assertEquals, assertThrows } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import * as t from "../../../lib/etf/schema/t.ts";
import { Agent } from "../../../lib/gen/agent/agent.ts";
import type { AgentRef } from "../../../lib/gen/agent/agent_ref.ts";
import { event } from "../../../lib/gen/events/event.ts";
import { Events } from "../../../lib/gen/events/events.ts";
import { pool } from "../../../lib/gen/pool/pool.ts";
import { Registry } from "../../../lib/gen/registry/registry.ts";
import { child } from "../../../lib/gen/supervisor/child.ts";
import { supervisor } from "../../../lib/gen/supervisor/supervisor.ts";
import { TaskSupervisor } from "../../../lib/gen/task/task_supervisor.ts";
import { NoProcessError } from "../../../lib/node/errors.ts";
import { KILL, nodeTest } from "../../node/_nodes.ts";
import { Counter } from "../_servers.ts";

const Counters = pool(Counter, [1], { size: 2 });
const numbers = event("numbers", t.integer);

nodeTest(
  "a supervisor starts all of these again, and they are found by their names",
  async (lone) => {
    const { node, platform } = lone;
    const rooms = node.ref(Registry, "rooms");
    const state = node.ref(Agent, "state") as AgentRef<number>;
    const events = node.ref(Events, "events");
    const names = ["rooms", "room", "workers", "state", "events", "tasks"];
    const tree = await node.start(
      supervisor({
        strategy: "one_for_one",
        intensity: 100,
        children: [
          child(Registry<unknown>, [{ keys: "unique" }], { register: "rooms" }),
          child(Counter, [7], { id: "room", register: { via: rooms, name: "room" } }),
          child(Counters, [], { register: "workers" }),
          child(Agent<number>, [() => 5], { register: "state" }),
          child(Events, [], { register: "events" }),
          child(TaskSupervisor, [], { register: "tasks" }),
        ],
      }),
      [],
    );
    const works = async (): Promise<void> => {
      assertEquals(await node.call({ via: rooms, name: "room" }, atom("get")), 7);
      assertEquals(await node.call("workers", atom("get")), 1);
      const workers = node.ref(Counters, "workers"); // with the types of its workers
      assertEquals([await workers.call("get"), workers.stats().size], [1, 2]);
      assertEquals(await node.ref(TaskSupervisor, "tasks").async(node, () => 3).await(), 3);
      assertEquals(await state.get((n) => n), 5);
      const publisher = events.registerEvent(node, numbers, { buffer: 1 });
      publisher.publish(1);
      const { value } = await events.streamEvent(numbers).next();
      assertEquals(value, { type: "event", value: 1 });
      publisher.close();
    };
    await works();
    for (const name of names) {
      const pid = name === "room" ? rooms.whereisName("room")! : node.whereis(name)!;
      node.exit(pid, KILL);
      await platform.settle();
      assert(!node.isAlive(pid));
      await works();
    }
    assertThrows(() => node.ref(Counters, "nobody"), NoProcessError, "pool nobody");
    assertThrows(
      () => node.ref(TaskSupervisor, "rooms"),
      NoProcessError,
      "task supervisor rooms",
    );
    await tree.stop();
    assertEquals(node.processes().length, 1);
  },
);
