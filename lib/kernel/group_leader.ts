import { atom } from "../etf/atom.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { GenServer } from "../gen/server/gen_server.ts";
import { IO_REPLY, IO_REQUEST } from "../node/atoms.ts";
import { BusyError } from "../node/errors.ts";
import type { Node } from "../node/node.ts";
import { OutputDevice } from "./io/output_device.ts";

/** Takes what code of other nodes prints here; what a promise of it delays is delayed for those who print. */
export type Output = (text: string) => void | Promise<void>;

/** How messages for it are decoded: `~p` prints 1.0 and 1 differently. */
const EXACT = { binaries: "bytes", objects: undefined, floats: "wrap" } as const;

/** Milliseconds until a reply is sent again that a busy connection has not taken. */
const BUSY_PAUSE = 10;

const WRITE_FAILED = tuple(atom("error"), atom("eio"));

/** A group leader, to which `io:format` and `IO.puts` of other nodes are requests of the io protocol: it writes, and has no input. */
export class GroupLeader extends GenServer {
  readonly #device = new OutputDevice();
  #output!: Output;

  override init(output: Output): void {
    this.#output = output;
  }

  override handleInfo(message: Term): void | Promise<void> {
    if (!isTuple(message) || message.length !== 4 || message[0] !== IO_REQUEST) return;
    const [, from, replyAs, request] = message;
    if (!(from instanceof Pid || from instanceof Ref)) return;
    const { reply, text } = this.#device.request(request);
    const answer = (reply: Term): void => {
      this.#answer(from, tuple(IO_REPLY, replyAs, reply) as Term);
    };
    if (text === "") return answer(reply);
    // The next request waits for this one's text to be written, so that order is kept and nothing piles up here.
    try {
      const written = this.#output(text);
      if (written === undefined) return answer(reply);
      return written.then(() => answer(reply), (error) => this.#failed(error, answer));
    } catch (error) {
      this.#failed(error, answer);
    }
  }

  /** Whoever has asked waits for ever, so a connection that is busy now is waited for; not by the others, though. */
  #answer(to: Pid | Ref, reply: Term): void {
    try {
      this.send(to, reply);
    } catch (error) {
      if (!(error instanceof BusyError)) {
        return this._core.fault("Cannot answer an io request", error);
      }
      this.node.sendReady(to, { signal: this.signal })
        .then(() => this.node.sleep(BUSY_PAUSE, { signal: this.signal }))
        .then(() => this.#answer(to, reply))
        .catch(() => {}); // nobody is there any more
    }
  }

  #failed(error: unknown, answer: (reply: Term) => void): void {
    this._core.fault("Cannot write what code of another node prints", error);
    answer(WRITE_FAILED);
  }
}

/** That of the node's processes, and of what they spawn elsewhere. Registered as `user`, as on Erlang. */
class User extends GroupLeader {
  /** Nobody elsewhere is to end it. */
  readonly _essential = true;
}

/** Starts the node's group leader. */
export async function startGroupLeader(node: Node, output?: Output): Promise<void> {
  const { platform } = node._core;
  const write = output ?? ((text: string) => platform.print(text));
  const leader = await node.start(User, [write], { register: "user", terms: EXACT });
  node.setGroupLeader(leader.pid, leader.pid);
  node._core.main.groupLeader = leader.pid;
}
