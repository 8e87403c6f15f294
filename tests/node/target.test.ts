import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom, existingAtom } from "../../lib/etf/atom.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { addressOf, describe, Name, nodeOf } from "../../lib/node/target.ts";

const pid = new Pid(atom("a@b"), 1, 2, 3);
const ref = new Ref(atom("a@b"), 3, [1, 2, 3]);

test("pids and aliases are addresses as they are", () => {
  assertStrictEquals(addressOf(pid), pid);
  assertStrictEquals(addressOf(ref), ref);
});

test("every way to write a name is the same address", () => {
  for (const target of ["pdf", atom("pdf"), { name: "pdf" }, { target: "pdf" }]) {
    const address = addressOf(target);
    assert(address instanceof Name);
    assertStrictEquals(address.text, "pdf");
    assertStrictEquals(address.name, atom("pdf"));
    assertStrictEquals(address.node, null);
  }
  for (
    const target of [{ name: "pdf", node: "a@b" }, tuple(atom("pdf"), atom("a@b")), {
      target: { name: "pdf", node: "a@b" },
    }]
  ) {
    const address = addressOf(target);
    assert(address instanceof Name);
    assertEquals([address.name, address.node], [atom("pdf"), atom("a@b")]);
  }
});

test("to ask for a name of this node makes no atom of it", () => {
  const name = "never an atom until it is sent to another node";
  addressOf(name);
  addressOf({ name });
  assertStrictEquals(existingAtom(name), undefined);
});

test("a reference to a server stands for its target", () => {
  assertStrictEquals(addressOf({ target: pid }), pid);
});

test("what is no address is refused", () => {
  const targets = [
    undefined,
    null,
    5,
    true,
    {},
    { name: 5 },
    [],
    ["pdf"],
    tuple(),
    tuple(atom("pdf")),
    tuple("pdf", "a@b"),
    tuple(atom("pdf"), atom("a@b"), 1),
    { target: undefined },
    () => {},
  ];
  for (const target of targets) {
    assertThrows(() => addressOf(target as never), TypeError, "Cannot address a process");
  }
});

test("an address is described for messages", () => {
  assertStrictEquals(describe(pid), "process 1.2 on a@b");
  assertStrictEquals(describe(ref), "alias on a@b");
  assertStrictEquals(describe(addressOf("pdf")), "pdf");
  assertStrictEquals(describe(addressOf({ name: "pdf", node: "a@b" })), "pdf on a@b");
  assertEquals([pid, ref, addressOf({ name: "x", node: "a@b" })].map(nodeOf), [
    "a@b",
    "a@b",
    "a@b",
  ]);
  assertStrictEquals(nodeOf(addressOf("pdf")), "");
});
