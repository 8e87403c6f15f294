import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { atom, EncodeError, float, type Term, tuple } from "../../mod.ts";
import { AS_IT_IS, Mail, MailReader, type Signal } from "../../lib/workers/_mail.ts";
import { OP } from "../../lib/workers/_signals.ts";

const OK = atom("ok");

/** A mail whose turns end by hand. */
function mailByHand(): { mail: Mail; posted: Uint8Array[]; endTurn(): void } {
  const posted: Uint8Array[] = [];
  const deferred: (() => void)[] = [];
  const mail = new Mail((bytes) => void posted.push(bytes), (fn) => void deferred.push(fn));
  return { mail, posted, endTurn: () => deferred.splice(0).forEach((fn) => fn()) };
}

function read(posted: readonly Uint8Array[]): [Signal, Term][] {
  const seen: [Signal, Term][] = [];
  const reader = new MailReader(
    () => AS_IT_IS,
    (signal, payload) => void seen.push([signal, payload]),
    (error) => {
      throw error;
    },
  );
  for (const bytes of posted) reader.read(bytes);
  return seen;
}

test("what is written in one turn goes at once, in its order", () => {
  const { mail, posted, endTurn } = mailByHand();
  mail.write(OP.SEND, [null, OK, 0], tuple(OK, float(1)));
  mail.write(OP.NAMED, [OK, "name"]);
  mail.write(OP.SEND, [null, OK, 1], "text");
  assertEquals(posted.length, 0);
  endTurn();
  assertEquals(posted.length, 1);
  const seen = read(posted);
  assertEquals(seen.map(([[op]]) => op), [OP.SEND, OP.NAMED, OP.SEND]);
  assertEquals(seen[0][1], tuple(OK, float(1)));
  assertEquals(seen[1][1], null);
  assertEquals(String(seen[2][1]), "text");
  endTurn();
  assertEquals(posted.length, 1);
});

test("what is no term leaves nothing behind, whatever was written before", () => {
  const { mail, posted, endTurn } = mailByHand();
  mail.write(OP.SEND, [1], 1);
  const large = new Uint8Array(100_000);
  assertThrows(() => mail.write(OP.SEND, [2], [large, () => {}] as never), EncodeError);
  assertThrows(() => mail.write(OP.SEND, [undefined as never], 2), EncodeError);
  mail.write(OP.SEND, [3], 3);
  endTurn();
  assertEquals(read(posted).map(([[, at], payload]) => [at, payload]), [[1, 1], [3, 3]]);
});

test("a large term goes at once, in a buffer of its own that is not copied again", () => {
  const { mail, posted } = mailByHand();
  const bytes = new Uint8Array(1_000_000).fill(7);
  mail.write(OP.SEND, [1], bytes);
  mail.write(OP.SEND, [2], 2);
  assertEquals(posted.length, 1);
  const { buffer, byteLength } = posted[0];
  assert(buffer.byteLength < byteLength + 10_000);
  assertEquals((read(posted)[0][1] as Uint8Array).length, 1_000_000);
  mail.flush();
  assert(posted[1].buffer !== buffer);
  assertEquals(posted[1].buffer.byteLength, posted[1].byteLength); // nothing else goes with it
});

test("a signal that fails does not keep the others from being read", () => {
  const { mail, posted, endTurn } = mailByHand();
  for (const at of [1, 2, 3]) mail.write(OP.SEND, [at], at);
  endTurn();
  const seen: Term[] = [];
  const faults: unknown[] = [];
  const reader = new MailReader(
    () => AS_IT_IS,
    (_signal, payload) => {
      if (payload === 2) throw new Error("two");
      seen.push(payload);
    },
    (error) => void faults.push(error),
  );
  reader.read(posted[0]);
  assertEquals(seen, [1, 3]);
  assertEquals(faults.length, 1);
});
