import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AllowList, NodePattern } from "../../../lib/node/remote/node_pattern.ts";

test("a name stands for itself, a pattern for all that it fits", () => {
  const cases: [pattern: string, fits: string[], not: string[]][] = [
    ["app@host", ["app@host"], ["App@host", "app@hos", "xapp@host", "app@host.example"]],
    ["*@host", ["a@host", "long.name@host"], ["a@hosts", "a@xhost", "@hostx"]],
    ["app*@*", ["app@a", "app1@b.c"], ["ap@a", "xapp@a"]],
    ["*", ["a@b"], []],
    ["a.b@h", ["a.b@h"], ["axb@h"]],
    ["*@a.b", ["x@a.b"], ["x@aXb"]],
    ["a+(b)*@h[1]", ["a+(b)c@h[1]"], ["aab@h1"]],
    ["zoë@*", ["zoë@h"], ["zoe@h"]],
    // A regular expression would not come back from this one.
    ["*a*a*a*a*a*a*a*a@b", [`${"a".repeat(2000)}@b`], [`${"a".repeat(2000)}@c`]],
  ];
  for (const [text, fits, not] of cases) {
    const pattern = new NodePattern(text);
    for (const node of fits) assert(pattern.matches(node), `${text} ${node}`);
    for (const node of not) assert(!pattern.matches(node), `${text} ${node}`);
    assertEquals(pattern.exact, !text.includes("*"));
  }
});

test("what can be no node's name is refused", () => {
  for (
    const text of ["", "app", "@host", "app@", "a b@h", "a@b@c", "*@b@c", 7 as never, null as never]
  ) {
    assertThrows(
      () => new NodePattern(text),
      TypeError,
      "it must be name@host, or a pattern as *@host",
    );
  }
});

test("a list allows all as long as there is none, and then who is on it", () => {
  const list = new AllowList();
  assert(list.allows("a@b"));
  list.add(["a@b"]);
  assertEquals(["a@b", "c@b", "c@d"].map((node) => list.allows(node)), [true, false, false]);
  list.add(["*@d"]);
  assertEquals(["a@b", "c@b", "c@d"].map((node) => list.allows(node)), [true, false, true]);
  assertThrows(() => list.add(["c@b", "?"]), TypeError);
  assert(!list.allows("c@b"));
  assert(!new AllowList([]).allows("a@b"));
});
