// A remote call without nodes: the two ends of a connection, with the codec, the frames and the sockets of ours, and nothing behind them.
// What goes there and back are the control messages of a call and its reply; no process, mailbox, table of calls or promise of a call takes part.
// `connection.ts far` prints `ready PORT` and ends with its standard input; `connection.ts ping --far PORT` measures one call at a time,
// `connection.ts large --far PORT` one with 1 MB there and back, `connection.ts many --far PORT` so many callers as the benchmark of calls has, each of
// which waits for a promise.

import process from "node:process";
import {
  type Atom,
  atom,
  type Encodable,
  ImproperList,
  Pid,
  Ref,
  type Term,
  type Tuple,
  tuple,
} from "../../mod.ts";
import { Connection, type ConnectionHandler } from "../../lib/dist/connection.ts";
import { ALTACT, CONTROL } from "../../lib/dist/control.ts";
import { announcedFlags } from "../../lib/dist/flags.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import type { Stream } from "../../lib/transport/contract.ts";
import { pick, report, task } from "../workloads/_report.ts";

const [NEAR, FAR] = ["near@localhost", "far@localhost"];
const CREATION = 1_700_000_000;
const caller = new Pid(atom(NEAR), 77, 0, CREATION);
const server = new Pid(atom(FAR), 88, 0, CREATION);
const NODE = atom(NEAR);
const [ALIAS, GEN_CALL, GET, NAME, UNUSED] = ["alias", "$gen_call", "get", "far", ""].map((name) =>
  atom(name)
);
const LOOPBACK = "127.0.0.1";

const [platform, transport] = [await defaultPlatform(), await defaultTransport()];

/** An end as it is after the handshake. */
function connection(
  stream: Stream,
  role: "initiator" | "acceptor",
  signal: ConnectionHandler["signal"],
): Connection {
  const [name, peer] = role === "initiator" ? [NEAR, FAR] : [FAR, NEAR];
  const flags = announcedFlags({ fragments: true, atomCache: true });
  const result = {
    ...{ role, peer, peerCreation: CREATION, peerFlags: flags, flags, hidden: true },
    ...{ name, creation: CREATION, replaces: false },
  };
  const handler: ConnectionHandler = { signal, busy: () => {}, down: () => process.exit() };
  return new Connection({ stream, result }, { platform }, handler);
}

/** The server's end: each request is answered at once, a binary by itself. */
function serve(stream: Stream): void {
  const near = connection(stream, "acceptor", (control, payload) => {
    if (control[0] !== CONTROL.REG_SEND) return;
    const [, from, request] = payload as [Atom, Tuple, Term];
    const ref = (from[1] as ImproperList).tail as Ref;
    const reply = tuple(from[1], request instanceof Uint8Array ? request : 5) as Encodable;
    near.offer([CONTROL.ALTACT_SIG_SEND, ALTACT.ALIAS, server, ref], reply);
  });
}

/** The caller's end: one call at a time. The work is a row of them. */
function oneAtATime(stream: Stream, request: Encodable, count: number): () => Promise<number> {
  let answered: () => void = () => {};
  let ref: Ref | null = null;
  let number = 0;
  const far = connection(stream, "initiator", () => answered());
  const call = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answered = resolve;
    // The end of the last one's monitor goes with the next call.
    if (ref !== null) far.send([CONTROL.DEMONITOR_P, caller, NAME, ref]);
    ref = new Ref(NODE, CREATION, [++number, 2, 3]);
    far.send([CONTROL.MONITOR_P, caller, NAME, ref]);
    const from = tuple(caller, new ImproperList([ALIAS], ref));
    far.offer(
      [CONTROL.REG_SEND, caller, UNUSED, NAME],
      tuple(GEN_CALL, from, request) as Encodable,
    );
    return promise;
  };
  return async () => {
    for (let i = 0; i < count; i++) await call();
    return count;
  };
}

const CALLERS = 120;
const EACH = 50;

/** The caller's end: many callers, each with one call at a time. The work is a row of calls of each. */
function callsOfMany(stream: Stream): () => Promise<number> {
  const waiting: (() => void)[] = new Array(CALLERS);
  let keep: () => void;
  const kept = (resolve: () => void): void => void (keep = resolve);
  const far = connection(stream, "initiator", (control) => {
    if (control[0] === CONTROL.ALIAS_SEND) waiting[control[2].words[0]]();
  });
  const run = async (number: number): Promise<void> => {
    const pid = new Pid(atom(NEAR), 1_000 + number, 0, CREATION);
    for (let i = 0; i < EACH; i++) {
      const ref = new Ref(NODE, CREATION, [number, i, 3]);
      far.send([CONTROL.MONITOR_P, pid, NAME, ref]);
      const from = tuple(pid, new ImproperList([ALIAS], ref));
      far.offer([CONTROL.REG_SEND, pid, UNUSED, NAME], tuple(GEN_CALL, from, GET) as Encodable);
      const answer = new Promise<void>(kept);
      waiting[number] = keep;
      await answer;
      far.send([CONTROL.DEMONITOR_P, pid, NAME, ref]);
    }
  };
  return async () => {
    await Promise.all(Array.from({ length: CALLERS }, (_, number) => run(number)));
    return CALLERS * EACH;
  };
}

const it = task();
if (it.names[0] === "far") {
  const { address } = await transport.listen({ host: LOOPBACK, port: 0 }, serve);
  console.log(`ready ${address.port}`);
  process.stdin.resume().on("end", () => process.exit());
} else {
  const stream = await transport.connect({ host: LOOPBACK, port: Number(it.far) });
  const works: Record<string, () => () => Promise<number>> = {
    ping: () => oneAtATime(stream, GET, 200),
    large: () => oneAtATime(stream, new Uint8Array(1024 * 1024).fill(7), 5),
    many: () => callsOfMany(stream),
  };
  await report(it, pick(works, it.names[0])());
  process.exit();
}
