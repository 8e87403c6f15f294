import type { Atom } from "../etf/atom.ts";
import { encode } from "../etf/encoder.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import type { Node } from "../node/node.ts";
import { NORMAL } from "../node/atoms.ts";
import type { NumberBlock } from "../node/numbers.ts";
import { blockOf } from "../node/references.ts";
import type { NodeType } from "../node/remote/node_monitors.ts";
import { failureTerm } from "./_failures.ts";
import { OP } from "./_signals.ts";
import type { PlacedProcess } from "./placed_process.ts";
import type { SharedAnswer } from "./_shared_answer.ts";

/** What is asked of, by whom. */
interface Asker {
  process(pid: Pid): PlacedProcess | undefined;
  /** Makes what stands here for a process that it is about to start. */
  begun(pid: Pid, name: string): PlacedProcess;
  tell(op: number, fields: readonly Encodable[], payload?: Encodable): void;
}

const PIDS_AT_ONCE = 256;

/** Answers what a thread asks of its node. */
export class Answers {
  /** The blocks of numbers that the thread has for its references. */
  readonly references: Set<number> = new Set();
  readonly #node: Node;
  readonly #shared: SharedAnswer;
  readonly #asker: Asker;
  readonly #closed: AbortController = new AbortController();

  constructor(node: Node, shared: SharedAnswer, asker: Asker, references: NumberBlock) {
    this.#node = node;
    this.#shared = shared;
    this.#asker = asker;
    this.references.add(blockOf(references.first));
  }

  /** The thread stands still until it has the answer. */
  now(question: number, request: Term): void {
    let bytes: Uint8Array;
    let ok = true;
    try {
      bytes = encode(this.#answer(request) as Encodable);
      if (bytes.length > this.#shared.room) {
        throw new RangeError("Cannot tell that on a worker: it is too much, ask a process for it");
      }
    } catch (error) {
      ok = false;
      bytes = encode(failureTerm(error));
    }
    this.#shared.answer(question, { ok, bytes });
  }

  /** The same for what cannot be answered. */
  refuseNow(question: number, error: Error): void {
    this.#shared.answer(question, { ok: false, bytes: encode(failureTerm(error)) });
  }

  later(id: number, request: Term): void {
    const answer = async (): Promise<void> => {
      try {
        const value = await this.#answer(request);
        this.#asker.tell(OP.ANSWER, [id, true], (value ?? null) as Encodable);
      } catch (error) {
        this.#asker.tell(OP.ANSWER, [id, false], failureTerm(error));
      }
    };
    void answer();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed.abort();
  }

  #answer(request: Term): unknown {
    const [what, ...args] = isTuple(request) ? [...request] as unknown[] : [];
    const node = this.#node;
    const core = node._core;
    const { signal } = this.#closed;
    const text = (at: number): string => String(args[at]);
    switch ((what as Atom).name) {
      case "pids":
        return blockTerm(core.pids.block(PIDS_AT_ONCE));
      case "references": {
        const block = core.references.block();
        this.references.add(blockOf(block.first));
        return blockTerm(block);
      }
      case "register": {
        const isNew = args[2] !== null;
        const pid = args[0] as Pid;
        const process = isNew ? this.#asker.begun(pid, text(2)) : this.#asker.process(pid);
        if (process === undefined) {
          throw new ReferenceError("Cannot register: the process has ended");
        }
        try {
          process.act(() => core.names.register(text(1), process));
        } catch (error) {
          if (isNew) process.hasEnded(NORMAL);
          throw error;
        }
        return true;
      }
      case "register_as": {
        const process = this.#asker.process(args[0] as Pid);
        return process === undefined ? null : process.registration?.register(process);
      }
      case "unregister":
        return core.names.unregister(text(0));
      case "whereis":
        return core.names.get(text(0))?.pid ?? null;
      case "registered":
        return node.registered();
      case "processes":
        return node.processes();
      case "is_alive":
        return node.isAlive(args[0] as Pid);
      case "monitor_nodes": {
        const process = this.#asker.process(args[0] as Pid);
        if (process === undefined) return null;
        return node._monitors.monitorNodes(process, args[1] === true, text(2) as NodeType);
      }
      case "monitor_node": {
        const process = this.#asker.process(args[0] as Pid);
        if (process === undefined) return null;
        return node._monitors.monitorNode(process, text(1), args[2] === true);
      }
      case "nodes":
        return node.nodes(text(0) as "visible");
      case "global_whereis":
        return core.global?.whereis(args[0] as Term) ?? null;
      case "global_names":
        return core.global?.names() ?? [];
      case "global_register":
        return node.global.register(args[0] as Term, args[1] as Pid);
      case "global_reregister":
        return node.global.reregister(args[0] as Term, args[1] as Pid);
      case "global_unregister":
        return node.global.unregister(args[0] as Term);
      case "global_sync":
        return node.global.sync();
      case "connect":
        return node.connect(text(0));
      case "disconnect":
        return node.disconnect(text(0));
      case "send_ready":
        return node.sendReady(text(0), { signal });
      case "rpc": {
        const timeout = args[4] === null ? Infinity : args[4] as number;
        return node.rpc(text(0), text(1), text(2), args[3] as Term[], { timeout, signal });
      }
      case "rpc_cast":
        return node.rpcCast(text(0), text(1), text(2), args[3] as Term[]);
      case "spawn_remote": {
        const timeout = args[4] === null ? Infinity : args[4] as number;
        const link = args[5] === null ? {} : { link: args[5] as Pid };
        return node.spawnRemote(text(0), text(1), text(2), args[3] as Term[], { timeout, ...link });
      }
      default:
        throw new Error("Cannot answer a worker: it asks for something that is not known here");
    }
  }
}

function blockTerm({ first, end }: NumberBlock): Encodable {
  return tuple(first, end) as Encodable;
}
