/**
 * A state machine, gen_statem of OTP: a door with a code lock. What it does with an event depends on its state; it closes by itself, remembers who
 * wants in while it is locked, and raises an alarm after three wrong codes. What happens goes to an event manager, gen_event, with two handlers.
 * Ends by itself.
 *
 *     deno run -A examples/state_machine.ts
 *     bun examples/state_machine.ts
 *     node examples/state_machine.ts
 */
import {
  EventHandler,
  EventManager,
  type EventManagerRef,
  format,
  on,
  startNode,
  Statem,
  sys,
  t,
  type Term,
  type Transition,
} from "../mod.ts";

// The states are a type: one that is missing in the table, or misspelt in this.next(...), does not compile.
class Door extends Statem<"locked" | "open" | "alarm"> {
  wrong = 0; //                       the data of the machine are its fields; sys and observer show the public ones
  #code = 0;
  #events!: EventManagerRef;

  override init(code: number, events: EventManagerRef): Transition {
    this.#code = code;
    this.#events = events;
    return this.next("locked");
  }

  override readonly states = this.table({
    locked: {
      // Runs whenever the machine comes into this state, however it came.
      enter: () => this.#tell("locked"),
      calls: {
        // A handler returns its reply, and keeps the state; or a transition, which says both.
        unlock: on(t.integer, (code) => {
          if (code === this.#code) return this.next("open").reply("welcome");
          return ++this.wrong < 3 ? "wrong code" : this.next("alarm").reply("alarm!");
        }),
        // Not now: handled again when the state has changed. The caller goes on waiting.
        enter: on(t.text, () => this.keep().postpone()),
      },
    },
    open: {
      enter: () => {
        this.wrong = 0;
        this.#tell("open");
        return this.keep().stateTimeout(100); // ends with the state; enter may set timers
      },
      calls: {
        unlock: on(t.integer, () => "it is open already"),
        enter: on(t.text, (who) => `${who} is inside`),
      },
      stateTimeout: () => this.next("locked"),
    },
    alarm: {
      enter: () => this.#tell("alarm"),
      casts: {
        // What is inserted is handled before everything that waits.
        reset: () => this.next("locked").nextEvent("internal", "reset"),
      },
    },
  });

  // What every state does that has no handler of its own for it.
  override readonly common = {
    internal: (what: unknown) => {
      this.wrong = 0;
      this.#tell(`after ${what}`);
    },
  };

  #tell(what: string): void {
    this.#events.notify(what);
  }
}

/** A handler prints, another one counts: both live in the manager's process, and neither knows of the other. */
class Printer extends EventHandler {
  override handleEvent(event: Term): void {
    console.log(`  door: ${event}`);
  }
}

class Counter extends EventHandler {
  #count = 0;
  override handleEvent(): void {
    this.#count++;
  }
  override readonly calls = { count: () => this.#count };
}

const node = await startNode("door@localhost", { network: false });
const events = await node.start(EventManager, []);
await events.addHandler(Counter, []);
await events.addHandler(Printer, []);
const door = await node.start(Door, [4711, events], { register: "door" });

console.log("Zoë wants in, and waits; somebody tries codes");
const zoë = door.call("enter", "Zoë");
console.log("unlock 1:", await door.call("unlock", 1));
console.log("unlock 4711:", await door.call("unlock", 4711));
console.log(await zoë);

// sys shows {State, Data}, also to Erlang: sys:get_state({door, 'door@localhost'}).
console.log("state:", format(await sys.getState(node, door)));

console.log("Ada is late: the door has closed by then, and opens again");
await node.sleep(150); // it closes by itself
const ada = door.call("enter", "Ada");
await door.call("unlock", 4711);
console.log(await ada);
await node.sleep(150); // it closes by itself

console.log("three wrong codes");
for (const code of [1, 2, 3]) console.log(`unlock ${code}:`, await door.call("unlock", code));
try {
  await door.call("unlock", 4711);
} catch (error) {
  // Who asks for what the state does not take is refused; the machine lives on.
  console.log("unlock 4711:", (error as Error).message);
}
door.cast("reset");
console.log("unlock 4711:", await door.call("unlock", 4711));
await door.stop();
await events.syncNotify("the end"); // comes back when all handlers are done

console.log(`${await events.call(Counter, "count")} events were told`);
await node.stop();
