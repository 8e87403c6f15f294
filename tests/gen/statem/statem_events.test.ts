/** Timers by name, events that were kept, and what sys.trace prints. */
import { assertEquals } from "@std/assert";
import {
  atom,
  format,
  Statem,
  type StatemEvent,
  type StatemResult,
  sys,
  type Term,
  type Transition,
  tuple,
} from "../../../mod.ts";
import { nodeTest } from "../../node/_nodes.ts";
import { logs, term } from "../_servers.ts";
import { MapMachine, seen } from "./_machines.ts";
import { Door } from "./_door.ts";

nodeTest("timers by name, in a table too, and a term as a name", async ({ node, platform }) => {
  const fired: string[] = [];
  class Timers extends Statem<"a"> {
    override init(): Transition {
      return this.next("a").timeout("retry", 100, 1).timeout(tuple(atom("job"), 7) as Term, 200, 2);
    }
    override readonly states = this.table({
      a: {
        timeouts: {
          retry: (content: number) => void fired.push(`retry ${content}`),
          job: (content: number) => void fired.push(`job ${content}`),
        },
        casts: { cancel: () => this.keep().timeout(atom("retry"), "cancel") },
      },
    });
  }
  const one = await node.start(Timers, []);
  await platform.elapse(250);
  await sys.getState(node, one);
  assertEquals(fired, ["retry 1", "job 2"]);
  const other = await node.start(Timers, []);
  other.cast("cancel"); // the atom and the string are one name
  await platform.elapse(250);
  await sys.getState(node, other);
  assertEquals(fired, ["retry 1", "job 2", "job 2"]);
});

nodeTest("an event that was kept comes again as it was", async ({ node }) => {
  class Keeps extends Statem<"waits" | "works"> {
    override init(): Transition {
      return this.next("waits");
    }
    override handleEvent(event: StatemEvent, state: string): StatemResult {
      if (state === "waits") return this.next("works").nextEvent(event).nextEvent("info", 1);
      if (event.type === "call") return this.keep().reply(tuple(event.content) as Term);
    }
  }
  const { pid } = await node.start(Keeps, []);
  assertEquals(format(await node.call(pid, term(atom("a"), 1))), "{{a,1}}");
});

nodeTest("sys.trace prints what gen_statem prints", async (lone) => {
  const { node } = lone;
  const door = await node.start(Door, [4711], { register: "door" });
  await sys.trace(node, door, true);
  const inside = door.call("enter");
  await door.call("unlock", 4711);
  await inside;
  door.cast("lock");
  await door.stop();
  const lines = logs(lone).map((line) => line.replaceAll(/<<?[^>]*>>?/g, "Pid"));
  assertEquals(lines, [
    "*DBG* door receive call enter from Pid in state locked",
    "*DBG* door postpone call enter from Pid in state locked",
    "*DBG* door receive call {unlock,4711} from Pid in state locked",
    "*DBG* door send Pid to Pid",
    "*DBG* door consume call {unlock,4711} from Pid in state locked => open",
    "*DBG* door start_timer {state_timeout,10000,nil,[]} in state open",
    "*DBG* door send Pid to Pid",
    "*DBG* door consume call enter from Pid in state open",
    "*DBG* door receive cast lock in state open",
    "*DBG* door consume cast lock in state open => locked",
    "*DBG* door terminate normal in state locked",
  ]);
});

// Erlang before OTP 29 loses such a timer, and gives the machine the timer's own message in its place.
nodeTest(
  "a timer that is due at once may be set anew before it fires",
  async ({ node, platform }) => {
    const order: string[] = [];
    await node.start(MapMachine, [{
      init: (machine) => machine.next("a").stateTimeout(0, "first").nextEvent("internal", "x"),
      states: {
        a: {
          on: (machine, event) => {
            order.push(seen(event));
            if (event.type === "internal") return machine.keep().stateTimeout(20, "second");
          },
        },
      },
    }]);
    await platform.elapse(30);
    assertEquals(order, ["internal x", "state_timeout second"]);
  },
);
