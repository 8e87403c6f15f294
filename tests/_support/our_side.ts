import { test } from "node:test";
import {
  atom,
  format,
  isTuple,
  type Node,
  type Pid,
  type Self,
  startNode,
  t,
  type Term,
} from "../../mod.ts";
import { type ErlangNode, freePort, startErlang } from "./erlang.ts";
import { COOKIE, loadErlang } from "./interop.ts";
import { modeOf, ourOptions, theirOptions } from "./modes.ts";

/** The other node in tests of what our node does. */
export const THEIRS = "theirs@localhost";
/** A node that is not there. */
export const NOBODY = "nobody@localhost";

/** Our node, in this program, and one of theirs. */
export interface Sides {
  readonly node: Node;
  readonly peer: ErlangNode;
  readonly epmdPort: number;
}

/** The server of demo.erl there. */
export const ECHO = { name: "echo", node: THEIRS };

/** Starts the node of theirs, of some kind: it begins with a mode, as `visible ...`. */
export type StartPeer = (kind: string, epmdPort: number) => Promise<ErlangNode>;

/** Starts an Erlang node that runs demo.erl. */
export async function startDemo(kind: string, epmdPort: number): Promise<ErlangNode> {
  const options = { name: THEIRS, cookie: COOKIE, epmdPort, mesh: true };
  const peer = await startErlang({ ...options, ...theirOptions(modeOf(kind)) });
  await loadErlang(peer, "demo");
  await peer.eval("demo:start()");
  return peer;
}

/** A process of theirs that does what it is told, see demo.erl. */
export async function plain(node: Node): Promise<Pid> {
  return await node.call(ECHO, atom("plain"), t.pid);
}

/** Starts both sides when the first test asks for them; one pair at a time, since each costs a second. */
export class OurSide {
  readonly #startPeer: StartPeer;
  #kind: string | null = null;
  #sides: Sides | null = null;

  constructor(startPeer: StartPeer) {
    this.#startPeer = startPeer;
  }

  /** The two nodes of that kind; those before are ended. */
  async get(kind: string): Promise<Sides> {
    if (this.#kind !== kind) {
      await this.close();
      this.#kind = kind;
      const epmdPort = await freePort();
      const options = { cookie: COOKIE, epmd: { port: epmdPort }, ...ourOptions(modeOf(kind)) };
      const node = await startNode("ours@localhost", options);
      try {
        this.#sides = { node, peer: await this.#startPeer(kind, epmdPort), epmdPort };
      } catch (error) {
        await node.stop();
        throw error;
      }
    }
    if (this.#sides === null) throw new Error("the nodes did not start, see the first test");
    return this.#sides;
  }

  /** What registers tests on the two nodes of that kind. */
  tests(kind: string, skip: string | false): (
    title: string,
    body: (node: Node, peer: ErlangNode) => Promise<void>,
  ) => void {
    return (title, body) => {
      test(`${kind}: ${title}`, { skip }, async () => {
        const { node, peer } = await this.get(kind);
        await body(node, peer);
      });
    };
  }

  /** Starts their node again, after it was killed. */
  async restartPeer(): Promise<void> {
    const sides = this.#sides!;
    this.#sides = { ...sides, peer: await this.#startPeer(this.#kind!, sides.epmdPort) };
  }

  async close(): Promise<void> {
    const sides = this.#sides;
    this.#sides = null;
    await sides?.peer.kill();
    await sides?.node.stop();
  }
}

/** A process of ours that keeps what it gets. */
export interface Inbox {
  readonly pid: Pid;
  /** To do something in the name of the process. */
  readonly self: Self;
  next(): Promise<Term>;
}

export function inbox(node: Node, options: { readonly trapExit?: boolean } = {}): Promise<Inbox> {
  const messages: Term[] = [];
  const waiting: ((message: Term) => void)[] = [];
  const next = (): Promise<Term> =>
    messages.length > 0
      ? Promise.resolve(messages.shift()!)
      : new Promise((resolve) => waiting.push(resolve));
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      self.trapExit = options.trapExit ?? false;
      resolve({ pid: self.pid, self, next });
      for await (const message of self) {
        if (isTuple(message) && message.tag === "EXIT" && node.pid.equals(message[1])) return; // the node stops
        const reader = waiting.shift();
        if (reader === undefined) messages.push(message);
        else reader(message);
      }
    });
  });
}

/** The reason of a process's end, as Erlang prints it. */
export function reasonOf(
  node: Node,
  target: Pid | { readonly name: string; readonly node: string },
): Promise<string> {
  return new Promise((resolve) => node.monitor(target, ({ reason }) => resolve(format(reason))));
}
