// The sessions of clients: a request that comes twice is carried out once, whatever happens in between.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { type Machine, type Outcome, ReplicatedState } from "../../../lib/gen/raft/_machine.ts";
import type { Payload } from "../../../lib/gen/raft/_types.ts";

/** What it has carried out, one after the other. */
class Tape implements Machine {
  all: string[] = [];

  apply(command: Term, index: number): Encodable {
    this.all.push(String(command));
    if (String(command) === "boom") throw new Error("it failed");
    return `${command} at ${index}`;
  }

  snapshot(): Encodable {
    return this.all;
  }

  restore(state: Term): void {
    this.all = [...state as Iterable<Term>].map(String);
  }
}

interface Played {
  readonly tape: Tape;
  state: ReplicatedState;
  put(payload: Payload): string;
  run(session: number, serial: number, text: string, done?: number): string;
  /** As a member that was late: from a snapshot. */
  restored(): Played;
}

function played(tape: Tape = new Tape(), state = new ReplicatedState(tape)): Played {
  const put = (payload: Payload): string =>
    text(state.apply({ index: state.applied + 1, term: 1, payload }));
  return {
    ...{ tape, state, put },
    run: (session, serial, text, done = 0) =>
      put({ type: "command", session, serial, done, bytes: encode(text) }),
    restored: () => {
      const tape = new Tape();
      const other = new ReplicatedState(tape);
      other.restore(state.snapshot());
      assertEquals(other.applied, state.applied);
      return played(tape, other);
    },
  };
}

function text(outcome: Outcome): string {
  if (outcome.type === "ok") return String(decode(outcome.reply));
  return outcome.type === "failed" ? `failed: ${outcome.message}` : outcome.type;
}

const open = (session: number): Payload => ({ type: "open", session });

test("a request that comes twice is carried out once, and has the same reply", () => {
  let one = played();
  one.put(open(7));
  assertEquals(one.run(7, 1, "x"), "x at 2");
  assertEquals(one.run(7, 2, "boom"), "failed: it failed");
  for (let round = 0; round < 2; round++) {
    assertEquals(one.run(7, 1, "x"), "x at 2");
    assertEquals(one.run(7, 2, "boom"), "failed: it failed");
    assertEquals(one.put(open(7)), "ok"); // asked for twice
    assertEquals(one.tape.all, ["x", "boom"]);
    one = one.restored();
  }
});

test("without a session each is another one", () => {
  const one = played();
  assertEquals([one.run(0, 0, "x"), one.run(0, 0, "x")], ["x at 1", "x at 2"]);
});

test("replies are kept until the client has them, and no longer", () => {
  let one = played();
  one.put(open(7));
  for (let serial = 1; serial <= 3; serial++) one.run(7, serial, `x${serial}`);
  one.run(7, 5, "x5", 2);
  for (let round = 0; round < 2; round++) {
    // What nobody waits for is not carried out again.
    assertEquals([one.run(7, 1, "x1"), one.run(7, 2, "x2")], ["expired", "expired"]);
    assertEquals([one.run(7, 3, "x3"), one.run(7, 5, "x5")], ["x3 at 4", "x5 at 5"]);
    assertEquals(one.tape.all, ["x1", "x2", "x3", "x5"]);
    one = one.restored();
  }
  assertEquals(one.run(7, 4, "x4", 1), `x4 at ${one.state.applied}`); // overtaken by 5
  assertEquals(one.run(7, 2, "x2"), "expired");
});

test("what has its reply leaves nothing behind", () => {
  const one = played();
  one.put(open(7));
  for (let serial = 1; serial <= 200; serial++) one.run(7, serial, "", serial - 1);
  one.tape.all = [];
  const size = one.state.snapshot().length;
  for (let serial = 201; serial <= 400; serial++) one.run(7, serial, "", serial - 1);
  one.tape.all = [];
  assertEquals(one.state.snapshot().length - size < 20, true);
});

test("a client that is not known is told so, and nothing is carried out", () => {
  const one = played();
  assertEquals(one.run(7, 1, "x"), "expired");
  assertEquals(one.tape.all, []);
});

test("of ten thousand clients who has been silent for longest is forgotten", () => {
  const one = played();
  for (let session = 1; session <= 10_000; session++) one.put(open(session));
  assertEquals(one.run(1, 1, "x"), "x at 10001");
  one.put(open(10_001));
  assertEquals([one.run(1, 1, "x"), one.run(2, 1, "y")], ["x at 10001", "expired"]);
  assertEquals(one.run(3, 1, "y"), `y at ${one.state.applied}`);
});

test("entries are carried out in their order, each once", () => {
  const one = played();
  one.put({ type: "none" });
  for (const index of [1, 3]) {
    assertThrows(
      () => one.state.apply({ index, term: 1, payload: { type: "none" } }),
      Error,
      "behind entry 1",
    );
  }
});
