/** A peer that speaks the protocol of global by hand. */
import { assert, assertEquals } from "@std/assert";
import { CONTROL } from "../../../lib/dist/control.ts";
import { announcedFlags } from "../../../lib/dist/flags.ts";
import {
  type Atom,
  atom,
  type Encodable,
  ExternalFun,
  format,
  ImproperList,
  isTuple,
  type NodeOptions,
  type Pid,
  type Term,
  type Tuple,
  tuple,
} from "../../../mod.ts";
import type { HandMade } from "../../_support/hand_made.ts";
import { type Visited, visitedTest } from "../../node/remote/_hand_made.ts";

export const SERVER = "global_name_server";
export const PEER: Atom = atom("handmade@localhost");
export const OURS: Atom = atom("ours@localhost");
export const EXIT_NAME: ExternalFun = new ExternalFun(atom("global"), atom("random_exit_name"), 3);
export const GLOBAL: Atom = atom("global");

/** A peer that could be a member. */
export function memberTest(
  title: string,
  body: (visited: Visited, him: Member) => unknown,
  options: NodeOptions = {},
): void {
  visitedTest(title, (visited) => body(visited, new Member(visited.peer)), {
    node: { published: true, ...options },
    peer: { flags: announcedFlags({ published: true }) },
  });
}

/** Speaks the protocol by hand. */
export class Member {
  readonly peer: HandMade;
  readonly server: Pid;
  readonly locker: Pid;

  constructor(peer: HandMade) {
    this.peer = peer;
    this.server = peer.pid();
    this.locker = peer.pid();
  }

  cast(...message: Encodable[]): void {
    this.info(atom("$gen_cast"), tuple(...message) as Encodable);
  }

  info(...message: Encodable[]): void {
    const term = tuple(...message) as unknown as Encodable;
    this.peer.send([CONTROL.REG_SEND, this.server, atom(""), atom(SERVER)], term);
  }

  call(request: Encodable): Promise<Term> {
    return this.peer.call(SERVER, request);
  }

  /** The next message to our name server whose name is that; of casts and calls what is in them. */
  async expect(name: string): Promise<readonly Term[]> {
    const { payload } = await this.peer.signal(({ control, payload }) =>
      control[0] === CONTROL.REG_SEND && control[3] === atom(SERVER) &&
      isTuple(payload) && nameOf(payload) === name
    );
    return payload as Tuple;
  }

  /** The next cast of that name. */
  async expectCast(name: string): Promise<readonly Term[]> {
    return (await this.expect(name))[1] as Tuple;
  }

  /** Answers the next call of that name, and gives its request. */
  async answer(name: string, reply: Encodable): Promise<Term> {
    const [, from, request] = await this.expect(name) as [Term, Tuple, Term];
    const tag = from[1];
    assert(tag instanceof ImproperList);
    this.peer.send(
      [CONTROL.ALIAS_SEND, this.server, tag.tail as never],
      tuple(tag, reply) as unknown as Encodable,
    );
    return request;
  }

  /** Both say who they are. @returns our tag. */
  async begin(hisTag: number, version = 8): Promise<{ readonly tag: Term; readonly locker: Pid }> {
    this.initConnect(hisTag, version);
    const [, vsn, , init] = await this.expectCast("init_connect");
    return { tag: (vsn as Tuple)[1], locker: (init as Tuple)[3] as Pid };
  }

  initConnect(tag: Encodable, version = 8): void {
    const init = tuple(atom("locker"), atom("no_longer_a_pid"), [], this.locker);
    this.cast(
      atom("init_connect"),
      tuple(version, tag) as Encodable,
      atom(this.peer.name),
      init as Encodable,
    );
  }
}

/** What a message, or the cast or call in it, is called. */
export function nameOf(message: Term): string {
  if (!isTuple(message)) {
    return message instanceof Object && "name" in message ? message.name as string : "";
  }
  const inner = message.tag === "$gen_cast"
    ? message[1]
    : message.tag === "$gen_call"
    ? message[2]
    : null;
  if (inner !== null) return nameOf(inner as Term);
  return message.tag ?? "";
}

/** Becomes one with the node: everything that is said, in order. */
export async function join(
  { node }: Visited,
  him: Member,
  { names = [], known = [], operations = [] }: {
    readonly names?: Encodable;
    readonly known?: Encodable;
    readonly operations?: Encodable;
  } = {},
): Promise<{ readonly exchanged: Term; readonly resolved: readonly Term[] }> {
  const { tag, locker } = await him.begin(70);
  assertEquals(
    format((await him.expect("init_connect_ack")) as Term),
    `{init_connect_ack,ours@localhost,70,${format(tag)}}`,
  );
  const name = atom(him.peer.name);
  him.info(atom("init_connect_ack"), name, tag as Encodable, 70);
  const id = tuple(
    GLOBAL,
    [locker, him.locker].sort((a, b) => a.id - b.id || (a.node < b.node ? -1 : 1)),
  );
  assertEquals(
    format(await him.answer("set_lock", true)),
    format(tuple(atom("set_lock"), id) as Term),
  );
  const set = await him.expectCast("lock_set");
  assertEquals(format(set as Term), `{lock_set,${format(locker)},true,[],70}`);
  him.cast(atom("lock_set"), him.locker, true, [], tag as Encodable);
  const [, from, exchanged, external, hisTag] = await him.expectCast("exchange");
  assertEquals([from, external, hisTag], [OURS, [], 70]);
  him.cast(atom("exchange"), name, names, [], tag as Encodable);
  const resolved = await him.expectCast("resolved");
  him.cast(atom("resolved"), name, operations, known, atom("unused"), [], tag as Encodable);
  assertEquals(
    format(await him.answer("del_lock", true)),
    format(tuple(atom("del_lock"), id) as Term),
  );
  await node.global.sync();
  return { exchanged, resolved };
}
