import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { AtomsIn } from "../../lib/dist/atom_cache.ts";
import { CONTROL, ControlError, hasPayload, readControl } from "../../lib/dist/control.ts";
import type { OutgoingControl } from "../../lib/dist/control.ts";
import { atom } from "../../lib/etf/atom.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { EncodeError } from "../../lib/etf/errors.ts";
import { format } from "../../lib/etf/format.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { tuple } from "../../lib/etf/tuple.ts";
import { CACHE, FRAGMENTS, from, header, NODE, read, to, writer } from "./_dist_header.ts";

// The shapes that _quick_read.ts and _quick_write.ts know, against the decoder and the encoder, which know all.

const NAME = atom("server");
const UNUSED = atom("");
const REF = new Ref(NODE, 4_000_000_000, [262_143, 4_294_967_295, 7]);
const LONG = new Ref(NODE, 1, [1, 2, 3, 4, 5]);
const FAR = new Pid(atom("far@host"), 4_294_967_295, 8_191, 4_294_967_295);
const TAG = new ImproperList([atom("alias")], REF);

const CONTROLS: readonly OutgoingControl[] = [
  [CONTROL.SEND_SENDER, from, to],
  [CONTROL.SEND_SENDER, FAR, to],
  [CONTROL.SEND, UNUSED, to],
  [CONTROL.REG_SEND, from, UNUSED, NAME],
  [CONTROL.REG_SEND, from, UNUSED, null],
  [CONTROL.ALIAS_SEND, from, REF],
  [CONTROL.ALIAS_SEND, from, LONG],
  [CONTROL.ALTACT_SIG_SEND, 0, from, to],
  [CONTROL.ALTACT_SIG_SEND, 4, from, REF],
  [CONTROL.ALTACT_SIG_SEND, 5, from, REF],
  [CONTROL.ALTACT_SIG_SEND, 8, from, NAME],
  [CONTROL.MONITOR_P, from, NAME, REF],
  [CONTROL.MONITOR_P, from, true, REF],
  [CONTROL.DEMONITOR_P, from, to, REF],
  [CONTROL.LINK, from, to],
  [CONTROL.EXIT2, from, to, NAME],
];

const PAYLOADS: readonly Encodable[] = [
  tuple(atom("$gen_call"), tuple(FAR, TAG), tuple(atom("add"), 5)) as Encodable,
  tuple(atom("$gen_call"), tuple(from, REF), atom("get")) as Encodable,
  tuple(atom("$gen_call"), tuple(from, TAG), atom("get")) as Encodable,
  tuple(atom("$gen_call"), tuple(from, new ImproperList([atom("other")], REF)), 1) as Encodable,
  tuple(atom("$gen_call"), tuple(from, new ImproperList([atom("alias"), 1], REF)), 1) as Encodable,
  tuple(atom("$gen_call"), 1, 2) as Encodable,
  tuple(TAG, tuple(atom("ok"), "text")) as Encodable,
  tuple(TAG, 0) as Encodable,
  tuple(new ImproperList([atom("alias")], LONG), null) as Encodable,
  tuple(REF, -1) as Encodable,
  tuple() as Encodable,
  ...[0, 255, 256, -1, 2_147_483_647, -2_147_483_648, 2_147_483_648, 1.5, 2n ** 80n],
  ...[atom("an_atom"), true, false, null, from, REF, TAG as Encodable, [1, 2, 3], "text"],
];

/** A message as the decoder reads it. */
function readPlainly(content: readonly number[]): Term[] {
  const bytes = new Uint8Array(content);
  const decoder = new Decoder();
  const listed = new AtomsIn(new Decoder(), true);
  const at = listed.read(bytes, 2, bytes.length);
  decoder.cache = listed.table;
  decoder.cached = listed.count;
  decoder.reset(bytes, at);
  const control = readControl(decoder.term());
  if (control instanceof ControlError) throw control;
  const all = [control as unknown as Term];
  if (hasPayload(control[0])) all.push(decoder.term());
  if (decoder.position !== bytes.length) throw new Error("bytes follow");
  return all;
}

function text(read: () => readonly (Term | undefined)[]): string {
  try {
    return read().map((term) => term === undefined ? "" : format(unused(term))).join(" ");
  } catch {
    return "no message";
  }
}

/** Nobody looks at what a REG_SEND has in its unused place. */
function unused(term: Term): Term {
  const control = term as Term[];
  if (!Array.isArray(term) || control.length !== 4 || control[0] !== 6) return term;
  return tuple(6, control[1], 0, control[3]) as unknown as Term;
}

function readQuickly(content: readonly number[]): readonly (Term | undefined)[] {
  const packets = header();
  assert(read(packets, [...content]));
  const control = packets.control as unknown as Term;
  return packets.payload === undefined ? [control] : [control, packets.payload];
}

test("every message is what the decoder reads in it, and cut short it is none", () => {
  for (const control of CONTROLS) {
    for (const payload of hasPayload(control[0]) ? PAYLOADS : [undefined]) {
      const content = writer().write(control, payload).slice(4);
      const expected = text(() => readPlainly(content));
      assertEquals(text(() => readQuickly(content)), expected);
      // The same without a cache, where nothing is quick.
      const plain = writer(FRAGMENTS).write(control, payload).slice(4);
      assertEquals(text(() => readPlainly(plain)), expected);
      for (let end = 2; end < content.length; end++) {
        assertEquals(text(() => readQuickly(content.slice(0, end))), "no message");
      }
    }
  }
});

test("whatever is made of a message by changing a byte, it is what the decoder reads in it", () => {
  for (const control of CONTROLS) {
    for (const payload of hasPayload(control[0]) ? PAYLOADS.slice(0, 9) : [undefined]) {
      const content = writer().write(control, payload).slice(4);
      for (let at = 2; at < content.length; at++) {
        for (const by of [1, 128]) {
          const changed = [...content];
          changed[at] = (changed[at] + by) & 255;
          assertEquals(text(() => readQuickly(changed)), text(() => readPlainly(changed)));
        }
      }
    }
  }
});

test("the references of a call are one object", () => {
  const { write } = writer(CACHE | FRAGMENTS);
  const packets = header();
  assert(read(packets, write([CONTROL.MONITOR_P, from, NAME, REF]).slice(4)));
  const monitor = (packets.control as unknown as Term[])[3];
  const call = tuple(atom("$gen_call"), tuple(from, TAG), atom("get")) as Encodable;
  assert(read(packets, write([CONTROL.REG_SEND, from, UNUSED, NAME], call).slice(4)));
  const message = packets.payload as [Term, [Term, ImproperList]];
  assertStrictEquals(message[1][1].tail, monitor);
  assertStrictEquals(message[1][0], (packets.control as unknown as Term[])[1]);
});

test("a value that cannot be written says where it stands in the message", () => {
  const { write } = writer();
  const bad = { not: "a term" } as unknown as Encodable;
  const fails = (payload: Encodable): string => {
    try {
      write([CONTROL.SEND_SENDER, from, to], payload);
    } catch (error) {
      assert(error instanceof EncodeError);
      return error.path;
    }
    return "was written";
  };
  const call = (request: Encodable) =>
    tuple(atom("$gen_call"), tuple(from, TAG), request) as Encodable;
  assertEquals(fails(call(bad)), "[2]");
  assertEquals(fails(call(tuple(atom("add"), [bad]) as Encodable)), "[2][1][0]");
  assertEquals(fails(tuple(TAG, bad) as Encodable), "[1]");
  assertEquals(fails(tuple(TAG, [1, bad]) as Encodable), "[1][1]");
  assertEquals(fails(bad), "");
});
