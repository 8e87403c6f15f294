// How a client asks a group: what it sends again, and when it says that it does not know. The group is one that is told what to answer.
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { atom } from "../../../lib/etf/atom.ts";
import { decode } from "../../../lib/etf/decoder.ts";
import { encode } from "../../../lib/etf/encoder.ts";
import type { Encodable, Term } from "../../../lib/etf/term.ts";
import { tuple } from "../../../lib/etf/tuple.ts";
import { Client } from "../../../lib/gen/raft/_client.ts";
import { RaftError } from "../../../lib/gen/raft/raft_error.ts";
import { NodeDownError, NoProcessError } from "../../../lib/node/errors.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { Process } from "../../../lib/node/process/process.ts";

const OK = atom("ok");
const FROM = {} as Process;
const no = (why: Encodable): Encodable => tuple(atom("error"), why) as Encodable;
const ok = (value: Encodable): Encodable => tuple(OK, encode(value)) as Encodable;
const notLeader = (node: string): Encodable =>
  no(tuple(atom("not_leader"), atom(node)) as Encodable);

type Reply = Encodable | Error | Promise<Encodable>;

/** A client whose requests have these replies, one after the other; sessions are opened without one. */
class Asked {
  readonly client: Client;
  /** What was asked: of whom, and the request. */
  readonly asked: string[] = [];
  now = 0;
  #sessions = 0;

  constructor(replies: Reply[]) {
    const call = async (_: unknown, target: { node: string }, { term }: { term: Encodable }) => {
      const [head, ...rest] = decode(encode(term)) as unknown as Term[];
      if (head === atom("$raft_open")) return OK;
      const texts = rest.slice(0, 3).map(String).join(" ");
      this.asked.push(`${target.node.slice(0, 1)}: ${texts}`);
      const reply = replies.shift();
      if (reply instanceof Error) throw reply;
      assert(reply !== undefined, "nobody expected that");
      return decode(encode(await reply));
    };
    const platform = {
      now: () => this.now,
      randomBytes: (size: number) => new Uint8Array(size).fill(0).fill(++this.#sessions, size - 1),
    };
    const sleep = (ms: number): Promise<void> => {
      this.now += Math.max(1, ms);
      return Promise.resolve();
    };
    const node = { _core: { platform, call }, sleep } as unknown as Node;
    this.client = new Client(node, {
      name: "bank",
      nearest: () => "a@h",
      leader: () => null,
      isRemoved: () => false,
    });
  }

  append(text: string): Promise<unknown> {
    return this.client.append(FROM, text as unknown as Encodable, 1_000);
  }
}

test("what may have arrived is sent again as the same request, to another one where it is known who leads", async () => {
  const lost = new NodeDownError("b@h");
  const one = new Asked([notLeader("b@h"), lost, no(atom("unknown")), no(atom("dropped")), ok(7)]);
  assertEquals(await one.append("x"), 7);
  // Session 2, request 1, and no reply yet.
  assertEquals(one.asked, ["a", "b", "a", "a", "a"].map((node) => `${node}: 2 1 0`));
});

test("each request is another one, and says up to where all replies are there", async () => {
  const late = Promise.withResolvers<Encodable>();
  const one = new Asked([ok(1), late.promise, ok(3), ok(4), ok(5)]);
  await one.append("first");
  const second = one.append("second");
  await Promise.resolve();
  await one.append("third");
  await one.append("fourth"); // the second one has no reply yet
  late.resolve(ok(2));
  assertEquals(await second, 2);
  await one.append("fifth");
  assertEquals(one.asked, ["a: 2 1 0", "a: 2 2 1", "a: 2 3 1", "a: 2 4 1", "a: 2 5 4"]);
});

test("whom the group has forgotten opens another session, but asks nobody twice", async () => {
  const expired = no(atom("expired"));
  const fresh = new Asked([expired, ok(1)]);
  assertEquals(await fresh.append("x"), 1);
  assertEquals(fresh.asked, ["a: 2 1 0", "a: 3 2 1"]);
  const again = new Asked([no(atom("unknown")), expired]);
  const error = await assertRejects(() => again.append("x"), RaftError);
  assertEquals([error.kind, error.mayHaveHappened], ["timeout", true]);
});

test("what must not be asked twice is not, where it may have happened; else it is", async () => {
  const request = tuple(atom("change"), 1) as Encodable;
  for (const lost of [new NodeDownError("a@h"), no(atom("unknown"))]) {
    const one = new Asked([lost]);
    const error = await assertRejects(() => one.client.once(FROM, request, 1_000), RaftError);
    assertEquals([error.kind, error.mayHaveHappened], ["timeout", true]);
  }
  const absent = new NoProcessError("bank on a@h");
  const other = new Asked([absent, notLeader("b@h"), no(atom("dropped")), OK]);
  await other.client.once(FROM, request, 1_000);
  assertEquals(other.asked, ["a: 1", "a: 1", "b: 1", "a: 1"]);
});

test("where nobody leads it says so, where too much is under way, that", async () => {
  const none = new Asked(Array<Encodable>(1_000).fill(notLeader("undefined")));
  const error = await assertRejects(() => none.append("x"), RaftError);
  assertEquals([error.kind, error.mayHaveHappened], ["timeout", false]);
  const full = new Asked(Array<Encodable>(1_000).fill(no(atom("overloaded"))));
  const other = await assertRejects(() => full.append("x"), RaftError);
  assertEquals([other.kind, other.mayHaveHappened], ["overloaded", false]);
});
