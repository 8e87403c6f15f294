import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  atom,
  Bitstring,
  DecodeError,
  type Encodable,
  encode,
  EncodeError,
  ExternalFun,
  float,
  ImproperList,
  Pid,
  Port,
  Ref,
  type Term,
  tuple,
} from "../../mod.ts";
import { AS_IT_IS, Mail, MailReader, type Signal } from "../../lib/workers/_mail.ts";
import { OP } from "../../lib/workers/_signals.ts";
import { endOfTerm } from "../../lib/workers/_term_end.ts";

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
  const fault = (error: unknown): never => {
    throw error;
  };
  const reader = new MailReader({
    termsOf: () => AS_IT_IS,
    handle: (signal, payload) => void seen.push([signal, payload]),
    refused: (_signal, error) => fault(error),
    fault,
  });
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
  const reader = new MailReader({
    termsOf: () => AS_IT_IS,
    handle: (_signal, payload) => {
      if (payload === 2) throw new Error("two");
      seen.push(payload);
    },
    refused: (_signal, error) => void faults.push(error),
    fault: (error) => void faults.push(error),
  });
  reader.read(posted[0]);
  assertEquals(seen, [1, 3]);
  assertEquals(faults.length, 1);
});

test("what a value writes while it is written goes behind it", () => {
  const { mail, posted, endTurn } = mailByHand();
  const doing = {
    *[Symbol.iterator]() {
      yield ["a", 1];
      mail.write(OP.SEND, [null, OK, 2], "two");
      mail.flush();
      yield ["b", 2];
    },
  };
  const map = Object.assign(new Map(), doing, { entries: () => doing[Symbol.iterator]() });
  mail.write(OP.SEND, [null, OK, 1], map);
  assertThrows(() => mail.write(OP.SEND, [null, OK, 0], [map, Symbol() as never]), EncodeError);
  mail.write(OP.SEND, [null, OK, 3], "three");
  endTurn();
  const numbers = read(posted).map(([[, , , n]]) => n as number);
  assertEquals(numbers.filter((n, i) => n !== numbers[i - 1]), [1, 2, 3]);
});

const pid = new Pid(atom("n@h"), 1, 2, 3);
const ref = new Ref(atom("n@h"), 3, [1, 2, 3]);

test("a payload beyond a limit of its receiver is refused, with its caller, and those behind it are read", () => {
  const large = 1n << 400n;
  const { mail, posted, endTurn } = mailByHand();
  mail.write(OP.SEND, [1], tuple(atom("$gen_call"), tuple(pid, ref), large));
  mail.write(OP.SEND, [2], tuple(pid, [large], new Map([[ref, 1.5]]), "text", new Uint8Array(3)));
  mail.write(OP.ENDED, [3], 3);
  endTurn();
  const seen: unknown[] = [];
  const reader = new MailReader({
    termsOf: () => ({ maxBignumBytes: 16 }),
    handle: ([op, at]) => void seen.push([op, at]),
    refused: ([op, at], { name }, caller) => void seen.push([op, at, name, caller]),
    fault: (error) => void seen.push(error),
  });
  reader.read(posted[0]);
  assertEquals(seen, [
    [OP.SEND, 1, "DecodeError", tuple(pid, ref)],
    [OP.SEND, 2, "DecodeError", null],
    [OP.ENDED, 3],
  ]);
});

test("what is no mail is not read", () => {
  const { mail, posted, endTurn } = mailByHand();
  mail.write(OP.SEND, [1], tuple(1, [2, "three"]));
  endTurn();
  const [whole] = posted;
  for (let length = 1; length < whole.length; length++) {
    assertThrows(() => read([whole.slice(0, length)]), DecodeError);
  }
  assertThrows(() => read([encode(tuple(99, 1)).subarray(1)]), Error, "it is no signal");
  assertThrows(() => read([encode(OK).subarray(1)]), Error, "it is no signal");
});

test("the end of each term is found, of one that is not whole none", () => {
  const terms: Encodable[] = [
    ...[0, 300, -1, 1.5, 1n << 70n, 1n << 3_000n, OK, atom("é".repeat(200)), "text", pid, ref],
    ...[[], [1, 2, 3], [OK, [OK]], new ImproperList([1], 2) as Encodable, true, null],
    ...[tuple(), tuple(...new Array(300).fill(ref)), new Map([[OK, tuple(pid)]]) as Encodable],
    ...[new Bitstring(new Uint8Array([1, 128]), 1), new ExternalFun(OK, OK, 2)],
    ...[new Port(OK, 1, 2), new Port(OK, 1n << 40n, 2)],
  ];
  for (const term of terms) {
    const bytes = encode(term);
    const more = new Uint8Array([...bytes, 1, 2, 3]);
    assertEquals(endOfTerm(more, 1), bytes.length, inspect(term));
    for (let end = 1; end < bytes.length; end++) {
      assertEquals(endOfTerm(bytes.subarray(0, end), 1), -1, inspect(term));
    }
  }
  assertEquals(endOfTerm(new Uint8Array([0, 0]), 0), -1);
});
