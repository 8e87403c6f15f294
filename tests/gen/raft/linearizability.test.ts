// The checker itself: what it lets pass, and what it must not.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type Input, notLinearizable, type Operation, step } from "./_linearizability.ts";

let clients = 0;

function put(value: string, call: number, end: number, key = "k"): Operation {
  return operation({ type: "put", value }, call, end, "ok", key);
}

function get(value: string | null, call: number, end: number, key = "k"): Operation {
  return operation({ type: "get" }, call, end, value, key);
}

function cas(
  old: string | null,
  value: string,
  output: string,
  call: number,
  end: number,
): Operation {
  return operation({ type: "cas", old, value }, call, end, output, "k");
}

function operation(
  input: Input,
  call: number,
  end: number,
  output: string | null,
  key: string,
): Operation {
  const known = end === Infinity ? {} : { output };
  return { client: clients++, key, input, call, end, ...known };
}

const GOOD: Readonly<Record<string, readonly Operation[]>> = {
  "nothing": [],
  "one after the other": [put("a", 0, 1), get("a", 2, 3), put("b", 4, 5), get("b", 6, 7)],
  "at the same time, either value": [put("a", 0, 1), put("b", 2, 9), get("a", 3, 4)],
  "at the same time, the other one": [put("a", 0, 1), put("b", 2, 9), get("b", 3, 4)],
  "an unknown write that is seen late": [put("a", 0, Infinity), get(null, 1, 2), get("a", 3, 4)],
  "an unknown write that is never seen": [put("a", 0, Infinity), get(null, 5, 6)],
  "keys apart": [put("a", 0, 1, "x"), get(null, 2, 3, "y"), get("a", 2, 3, "x")],
  "compare and set, one of two wins": [
    cas(null, "a", "ok", 0, 9),
    cas(null, "b", "no", 1, 8),
    get("a", 10, 11),
  ],
  "what ends when another begins": [put("a", 0, 5), get(null, 5, 6)],
};

const BAD: Readonly<Record<string, readonly Operation[]>> = {
  "a stale read": [put("a", 0, 1), put("b", 2, 3), get("a", 4, 5)],
  "a lost write": [put("a", 0, 1), get(null, 2, 3)],
  "a value out of nothing": [get("a", 0, 1)],
  "a value from the future": [get("a", 0, 1), put("a", 2, 3)],
  "two reads that go back in time": [
    put("a", 0, 1),
    put("b", 2, 20),
    get("b", 3, 4),
    get("a", 5, 6),
  ],
  "an unknown write that comes and goes": [
    put("a", 0, 1),
    put("b", 2, Infinity),
    get("b", 3, 4),
    get("a", 5, 6),
    get("b", 7, 8),
  ],
  "both compare and set win": [cas(null, "a", "ok", 0, 9), cas(null, "b", "ok", 1, 8)],
  "compare and set fails for nothing": [put("a", 0, 1), cas("a", "b", "no", 2, 3)],
  "something is appended twice": [
    operation({ type: "append", value: "a" }, 0, 1, "a", "k"),
    get("aa", 2, 3),
  ],
  "one of many keys": [put("a", 0, 1, "x"), get("a", 2, 3, "x"), get("b", 0, 1, "y")],
};

for (const [what, history] of Object.entries(GOOD)) {
  test(`linearizable: ${what}`, () => assertEquals(notLinearizable(history), null));
}

for (const [what, history] of Object.entries(BAD)) {
  test(`not linearizable: ${what}`, () => {
    assertEquals(notLinearizable(history) !== null, true);
  });
}

test("histories of a memory pass, and not when one reply is changed", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    // Each operation happens at one moment, which its call and its end surround.
    let state: string | null = null;
    const history: Operation[] = [];
    for (let i = 0; i < 30; i++) {
      const input: Input = random(2) === 0 ? { type: "get" } : { type: "put", value: `v${i}` };
      const [output, after] = step(state, input);
      state = after;
      const [call, end] = [i * 10 - random(25), i * 10 + random(25)];
      history.push({ client: i, key: "k", input, output, call, end });
    }
    assertEquals(notLinearizable(history), null, `round ${round}`);
    const reads = history.filter(({ input }) => input.type === "get");
    if (reads.length === 0) continue;
    reads[random(reads.length)].output = "never written";
    assertEquals(notLinearizable(history), "k", `round ${round}, changed`);
  }
});
