import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  CONTROL,
  type Control,
  CONTROL_MESSAGES,
  ControlError,
  controlName,
  hasPayload,
  readControl,
} from "../../lib/dist/control.ts";
import { atom } from "../../lib/etf/atom.ts";
import { Decoder } from "../../lib/etf/decoder.ts";
import { Encoder } from "../../lib/etf/encoder.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import type { Term } from "../../lib/etf/term.ts";
import { isTuple, Tuple, tuple } from "../../lib/etf/tuple.ts";

const NODE = atom("a@b");
const from = new Pid(NODE, 1, 2, 3);
const to = new Pid(NODE, 4, 5, 6);
const leader = new Pid(NODE, 7, 8, 9);
const ref = new Ref(NODE, 10, [11, 12, 13]);
const token = tuple(1, 2, 3, from, 4);

const A_B = [119, 3, 97, 64, 98];
const FROM = [88, ...A_B, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
const TO = [88, ...A_B, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
const LEADER = [88, ...A_B, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9];
const REF = [90, 0, 3, ...A_B, 0, 0, 0, 10, 0, 0, 0, 11, 0, 0, 0, 12, 0, 0, 0, 13];
const TOKEN = [104, 5, 97, 1, 97, 2, 97, 3, ...FROM, 97, 4];
const EMPTY = [119, 0];
const NAME = [119, 3, 114, 101, 120]; // rex
const BYE = [119, 3, 98, 121, 101];
const MFA = [104, 3, 119, 1, 109, 119, 1, 102, 97, 0];
const OPTS = [108, 0, 0, 0, 1, 119, 4, 108, 105, 110, 107, 106];

const empty = atom("");
const name = atom("rex");
const bye = atom("bye");
const mfa = tuple(atom("m"), atom("f"), 0);
const opts = [atom("link")];

/** Each message as an Erlang node writes it, as a term, and as the handler sees it where that differs. */
// deno-fmt-ignore
const MESSAGES: readonly (readonly [name: string, bytes: number[], term: Term, seen?: Term])[] = [
  ["LINK",                   [104, 3, 97, 1, ...FROM, ...TO],                         tuple(1, from, to)],
  ["SEND",                   [104, 3, 97, 2, ...EMPTY, ...TO],                        tuple(2, empty, to)],
  ["EXIT",                   [104, 4, 97, 3, ...FROM, ...TO, ...BYE],                 tuple(3, from, to, bye)],
  ["UNLINK",                 [104, 3, 97, 4, ...FROM, ...TO],                         tuple(4, from, to)],
  ["NODE_LINK",              [104, 1, 97, 5],                                         tuple(5)],
  ["REG_SEND",               [104, 4, 97, 6, ...FROM, ...EMPTY, ...NAME],             tuple(6, from, empty, name)],
  ["GROUP_LEADER",           [104, 3, 97, 7, ...FROM, ...TO],                         tuple(7, from, to)],
  ["EXIT2",                  [104, 4, 97, 8, ...FROM, ...TO, ...BYE],                 tuple(8, from, to, bye)],
  ["SEND_TT",                [104, 4, 97, 12, ...EMPTY, ...TO, ...TOKEN],             tuple(12, empty, to, token), tuple(2, empty, to)],
  ["EXIT_TT",                [104, 5, 97, 13, ...FROM, ...TO, ...TOKEN, ...BYE],      tuple(13, from, to, token, bye), tuple(3, from, to, bye)],
  ["REG_SEND_TT",            [104, 5, 97, 16, ...FROM, ...EMPTY, ...NAME, ...TOKEN],  tuple(16, from, empty, name, token), tuple(6, from, empty, name)],
  ["EXIT2_TT",               [104, 5, 97, 18, ...FROM, ...TO, ...TOKEN, ...BYE],      tuple(18, from, to, token, bye), tuple(8, from, to, bye)],
  ["MONITOR_P",              [104, 4, 97, 19, ...FROM, ...NAME, ...REF],              tuple(19, from, name, ref)],
  ["DEMONITOR_P",            [104, 4, 97, 20, ...FROM, ...TO, ...REF],                tuple(20, from, to, ref)],
  ["MONITOR_P_EXIT",         [104, 5, 97, 21, ...NAME, ...TO, ...REF, ...BYE],        tuple(21, name, to, ref, bye)],
  ["SEND_SENDER",            [104, 3, 97, 22, ...FROM, ...TO],                        tuple(22, from, to)],
  ["SEND_SENDER_TT",         [104, 4, 97, 23, ...FROM, ...TO, ...TOKEN],              tuple(23, from, to, token), tuple(22, from, to)],
  ["PAYLOAD_EXIT",           [104, 3, 97, 24, ...FROM, ...TO],                        tuple(24, from, to)],
  ["PAYLOAD_EXIT_TT",        [104, 4, 97, 25, ...FROM, ...TO, ...TOKEN],              tuple(25, from, to, token), tuple(24, from, to)],
  ["PAYLOAD_EXIT2",          [104, 3, 97, 26, ...FROM, ...TO],                        tuple(26, from, to)],
  ["PAYLOAD_EXIT2_TT",       [104, 4, 97, 27, ...FROM, ...TO, ...TOKEN],              tuple(27, from, to, token), tuple(26, from, to)],
  ["PAYLOAD_MONITOR_P_EXIT", [104, 4, 97, 28, ...FROM, ...TO, ...REF],                tuple(28, from, to, ref)],
  ["SPAWN_REQUEST",          [104, 6, 97, 29, ...REF, ...FROM, ...LEADER, ...MFA, ...OPTS], tuple(29, ref, from, leader, mfa, opts)],
  ["SPAWN_REQUEST_TT",       [104, 7, 97, 30, ...REF, ...FROM, ...LEADER, ...MFA, 106, ...TOKEN], tuple(30, ref, from, leader, mfa, [], token), tuple(29, ref, from, leader, mfa, [])],
  ["SPAWN_REPLY",            [104, 5, 97, 31, ...REF, ...TO, 97, 3, ...FROM],         tuple(31, ref, to, 3, from)],
  ["SPAWN_REPLY_TT",         [104, 6, 97, 32, ...REF, ...TO, 97, 0, ...BYE, ...TOKEN], tuple(32, ref, to, 0, bye, token), tuple(31, ref, to, 0, bye)],
  ["ALIAS_SEND",             [104, 3, 97, 33, ...FROM, ...REF],                       tuple(33, from, ref)],
  ["ALIAS_SEND_TT",          [104, 4, 97, 34, ...FROM, ...REF, ...TOKEN],             tuple(34, from, ref, token), tuple(33, from, ref)],
  ["UNLINK_ID",              [104, 4, 97, 35, 97, 9, ...FROM, ...TO],                 tuple(35, 9, from, to)],
  ["UNLINK_ID_ACK",          [104, 4, 97, 36, 110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255, ...FROM, ...TO], tuple(36, 2n ** 64n - 1n, from, to)],
  ["ALTACT_SIG_SEND",        [104, 4, 97, 37, 97, 4, ...FROM, ...REF],                tuple(37, 4, from, ref), tuple(33, from, ref)],
];

function encode(term: Term): number[] {
  const encoder = new Encoder();
  encoder.term(term);
  return [...encoder.take()];
}

function decode(bytes: number[]): Term {
  const decoder = new Decoder();
  decoder.reset(new Uint8Array(bytes));
  const term = decoder.term();
  assertEquals(decoder.position, bytes.length);
  return term;
}

/** Terms as text, so that a tuple is not taken for a list, nor a pid for another. */
function text(term: unknown): string {
  if (term instanceof ControlError) return term.message;
  if (isTuple(term)) return `{${Array.from(term as Term[], text)}}`;
  if (Array.isArray(term)) return `[${term.map(text)}]`;
  if (term instanceof Pid || term instanceof Ref) return term.key;
  return String(term);
}

test("each row of the table has its bytes here, in the table's order", () => {
  assertEquals(MESSAGES.map(([name]) => name), CONTROL_MESSAGES.map((row) => row.name as string));
});

for (const [name, bytes, term, seen = term] of MESSAGES) {
  test(`${name} is read from its bytes and written as the same bytes`, () => {
    assertEquals(encode(term), bytes);
    const decoded = decode(bytes);
    const control = readControl(decoded) as Control;
    assertEquals(text(control), text(seen));
    assert(isTuple(control));
    if (seen === term) assertStrictEquals(control as unknown, decoded);
  });
}

test("operations have the numbers and names of the guide", () => {
  assertEquals(Object.keys(CONTROL).length, CONTROL_MESSAGES.length);
  for (const [index, { op, name }] of CONTROL_MESSAGES.entries()) {
    assertEquals(CONTROL[name], op);
    assertEquals(controlName(op), name);
    if (index > 0) assert(op > CONTROL_MESSAGES[index - 1].op);
  }
  assertEquals(controlName(9), "9");
});

test("what follows a traced message is what follows the message without its token", () => {
  for (const row of CONTROL_MESSAGES) {
    if ("base" in row) assertEquals(hasPayload(row.op), hasPayload(CONTROL[row.base]), row.name);
  }
  const withPayload = CONTROL_MESSAGES.filter((row) => hasPayload(row.op)).map((row) => row.op);
  assertEquals(withPayload, [2, 6, 12, 16, 22, 23, 24, 25, 26, 27, 28, 29, 30, 33, 34, 37]);
});

test("booleans and nil are names of processes and of failures, since they are atoms", () => {
  for (const name of [true, false, null]) {
    assertEquals((readControl(tuple(6, from, empty, name)) as Control<"REG_SEND">)[3], name);
    assertEquals((readControl(tuple(31, ref, to, 0, name)) as Control<"SPAWN_REPLY">)[4], name);
  }
});

test("messages of another arity are refused", () => {
  for (const row of CONTROL_MESSAGES) {
    const [, , term] = MESSAGES.find(([name]) => name === row.name)!;
    const elements = term as Tuple;
    for (const length of [elements.length - 1, elements.length + 1, 255]) {
      if (length === 0) continue;
      const other = new Tuple(length);
      for (let i = 0; i < length; i++) other[i] = i < elements.length ? elements[i] : 0;
      const read = readControl(other as unknown as Term);
      if ("open" in row && length > elements.length) {
        assertEquals(text(read), text(tuple(33, from, ref)));
      } else assertError(read, row.op, `${length} elements, ${elements.length} are needed`);
    }
  }
});

test("a field of another type is refused, in each place of each message", () => {
  const pid: Term[] = [ref, name, 1, true, [], tuple(), [from]];
  // deno-fmt-ignore
  const wrong: Record<string, Term[]> = {
    "pid()": pid,
    "reference()": [from, name, 1, null, [], tuple()],
    "atom()": [from, ref, 1, [], tuple(), tuple(name), "rex" as unknown as Term],
    "pid() | atom()": [ref, 1, [], tuple(name)],
    "pid() | atom() | reference()": [1, [], tuple(ref)],
    "non_neg_integer()": [-1, 0.5, NaN, Infinity, -1n, name, from],
    "1..2^64-1": [0, -1, 0.5, -1n, 2n ** 64n, name],
    "mfa()": [mfa.slice() as Term[], name, tuple(atom("m"), atom("f")), tuple(1, atom("f"), 0), tuple(atom("m"), from, 0), tuple(atom("m"), atom("f"), -1), tuple(atom("m"), atom("f"), name)],
    "term()": [],
  };
  let tried = 0;
  for (const row of CONTROL_MESSAGES) {
    const [, , term] = MESSAGES.find(([name]) => name === row.name)!;
    for (const [i, field] of row.fields.entries()) {
      for (const value of wrong[(field as string).split(" :: ")[1]]) {
        const other = tuple(...term as Tuple);
        other[i + 1] = value;
        assertError(readControl(other as Term), row.op, `element ${i + 2} is not ${field}`);
        tried++;
      }
    }
  }
  assert(tried > 400);
});

test("ALTACT_SIG_SEND is read as the message that does the same, and stays where it is an exit signal, or urgent", () => {
  const read = (...elements: unknown[]) =>
    text(readControl(tuple(37, ...elements as Term[]) as Term));
  const sends: readonly (readonly [to: Term, flag: number, plain: Term])[] = [
    [to, 0, tuple(22, from, to)],
    [name, 8, tuple(6, from, empty, name)],
    [null, 8, tuple(6, from, empty, null)],
    [ref, 4, tuple(33, from, ref)],
  ];
  for (const [to, flag, plain] of sends) {
    assertEquals(read(flag, from, to), text(plain));
    const urgent = to === ref ? tuple(37, flag | 1, from, to) : plain;
    assertEquals(read(flag | 1, from, to), text(urgent), "urgent counts to an alias alone");
    assertEquals(read(flag | 2, from, to, token), text(plain), "with a trace token");
    assertEquals(read(flag, from, to, name, 7), text(plain), "what later releases add");
    assertEquals(read(flag + 2 ** 40, from, to), text(plain), "flags of later releases");
    assertEquals(read(BigInt(flag) + 2n ** 90n, from, to), text(plain), "as many as they like");
    assertEquals(read(flag | 16, from, to), text(tuple(37, flag | 16, from, to)));
    assertEquals(read(flag | 18, from, to, token), text(tuple(37, flag | 18, from, to, token)));
  }
});

test("ALTACT_SIG_SEND whose flags do not fit what it holds is refused", () => {
  const misfits: readonly (readonly [flags: number, to: Term])[] = [
    ...[0, 1, 16].flatMap((flags) => [[flags, name], [flags, ref]] as const),
    ...[4, 5, 20].flatMap((flags) => [[flags, name], [flags, to]] as const),
    ...[8, 9, 24].flatMap((flags) => [[flags, ref], [flags, to]] as const),
    ...[to, name, ref].map((any) => [12, any] as const),
  ];
  for (const [flags, other] of misfits) {
    assertError(readControl(tuple(37, flags, from, other) as Term), 37, "element 4 is not what");
  }
  const short: readonly (readonly [flags: number, to: Term])[] = [[2, to], [6, ref], [10, name], [
    18,
    to,
  ]];
  for (const [flags, other] of short) {
    assertError(readControl(tuple(37, flags, from, other) as Term), 37, "a trace token");
  }
  assertError(readControl(tuple(37, -1, from, to) as Term), 37, "element 2");
  assertError(readControl(tuple(37, -(2n ** 80n), from, to) as Term), 37, "element 2");
});

test("what has no operation in front is refused", () => {
  // deno-fmt-ignore
  const terms: Term[] = [
    tuple(), tuple(name), tuple(atom("1"), from, to), tuple(atom("length"), from, to), tuple(1.5), tuple(-1), tuple(0),
    tuple(9, from, to), tuple(38), tuple(1e300), tuple(NaN), tuple(2n ** 70n), tuple([1], from, to), tuple(true), tuple(null),
    [1, from, to], name, 1, null, from, "x" as unknown as Term, new ImproperList([1], 2),
  ];
  for (const term of terms) assertError(readControl(term), undefined, "");
});

test("an error names the message and the field, and repeats no value", () => {
  const secret = atom("secret_of_the_peer");
  const error = readControl(tuple(19, from, to, secret));
  assertInstanceOf(error, ControlError);
  assertEquals(
    error.message,
    "Cannot read control message MONITOR_P: element 4 is not Ref :: reference()",
  );
});

function assertError(read: Control | ControlError, op: number | undefined, says: string): void {
  assertInstanceOf(read, ControlError);
  if (op !== undefined) assertEquals(read.op, op);
  assert(read.message.includes(says), `${read.message} says: ${says}`);
}
