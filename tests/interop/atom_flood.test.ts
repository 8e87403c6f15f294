/** A peer with the cookie that fills the table of atoms, which nothing can empty again. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { CONTROL } from "../../lib/dist/control.ts";
import { atom, tagged, tuple } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { memoryOf, UnderAttack } from "../_support/under_attack.ts";
import { join } from "../fuzz/mutate.ts";

test("a peer that makes all atoms there can be is disconnected, and others are served, new ones too", async () => {
  await using flooded = await UnderAttack.start();
  const before = memoryOf(flooded.node.pid);
  const mark = flooded.mark();
  const peer = await flooded.peer();
  let made = 0;
  let closed = false;
  peer.closed.then(() => closed = true);
  while (!closed) {
    assert(made < 1_100_000, "it may go on for ever");
    // SMALL_ATOM_UTF8_EXT is the character w, and a length of 8 the backspace.
    const atoms = Array.from({ length: 20_000 }, () => `w\b${10_000_000 + made++}`).join("");
    const list = join(
      Uint8Array.of(131, 108, 0, 0, 0x4e, 0x20),
      new TextEncoder().encode(atoms),
      Uint8Array.of(106),
    );
    peer.raw(peer.packet(tuple(CONTROL.REG_SEND, peer.pid(), atom(""), atom("echo")), list));
    await Promise.race([
      peer.closed,
      peer.call("net_kernel", tagged("is_auth", atom("x"))).catch(() => {}),
    ]);
  }
  await flooded.logged(mark, "there are 1000000 already, which is the limit");
  await flooded.serves();
  const again = await flooded.peer({ name: "a_new_name@localhost" });
  assertEquals(await again.call("net_kernel", tagged("is_auth", atom("x"))), atom("yes"));
  await again[Symbol.asyncDispose]();
  const more = memoryOf(flooded.node.pid) - before;
  assert(more < 1_000, `the node has ${more} MiB more than before`); // some hundred bytes each
});

testNothingIsLeft();
