import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { atom, existingAtom } from "../../lib/etf/atom.ts";
import { equal } from "../../lib/etf/equal.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import type { GlobalNames } from "../../lib/node/global_names.ts";
import {
  addressOf,
  addressTerm,
  describe,
  Name,
  nodeOf,
  type Target,
  type ViaRegistry,
} from "../../lib/node/target.ts";

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

/** Global names of a test: one process has one name. */
function globalNames(name: Term, pid: Pid): GlobalNames {
  const whereis = (asked: Encodable): Pid | undefined =>
    equal(typeof asked === "string" ? atom(asked) : asked, name) ? pid : undefined;
  return { whereis } as Partial<GlobalNames> as GlobalNames;
}

test("a global name is looked up each time", () => {
  const global = globalNames(atom("leader"), pid);
  const targets: Target[] = [
    { global: "leader" },
    { global: atom("leader") },
    tuple(atom("global"), atom("leader")),
    tuple(atom("via"), atom("global"), atom("leader")),
    { target: { global: "leader" } },
  ];
  for (const target of targets) {
    assertStrictEquals(addressOf(target, global), pid);
    const nobody = addressOf(target, null);
    assertStrictEquals(describe(nobody), "leader in global");
    assertEquals(addressTerm(nobody), tuple(atom("global"), atom("leader")) as Term);
    assertStrictEquals(nodeOf(nobody), "");
  }
  assertStrictEquals(describe(addressOf({ global: [1, "a"] }, global)), '[1,<<"a">>] in global');
});

test("a name of a registry is looked up each time", () => {
  class Rooms implements ViaRegistry {
    whereisName(name: Encodable): Pid | undefined {
      return name === 7 ? pid : undefined;
    }
    registerName(): boolean {
      return false;
    }
    unregisterName(): void {}
  }
  const via = new Rooms();
  assertStrictEquals(addressOf({ via, name: 7 }), pid);
  const nobody = addressOf({ via, name: "eight" });
  assertStrictEquals(describe(nobody), '<<"eight">> in Rooms');
  assertEquals(addressTerm(nobody), tuple(atom("via"), atom("Rooms"), "eight") as unknown as Term);
});

test("a registry that is none, and a module of Erlang, are refused with what to do", () => {
  const none: unknown[] = [undefined, null, 5, "global", {}, { whereisName: 1 }];
  for (const via of none) {
    assertThrows(() => addressOf({ via, name: 1 } as never), TypeError, "with whereisName");
  }
  for (const given of [5, "pid", {}]) {
    const via = { whereisName: () => given };
    assertThrows(() => addressOf({ via, name: 1 } as never), TypeError, "gave no pid");
  }
  const module = tuple(atom("via"), atom("Elixir.Registry"), 1);
  assertThrows(() => addressOf(module as never), TypeError, "give { via: registry, name }");
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
