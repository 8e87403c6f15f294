import { Atom, atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import type { ChildCounts, ChildInfo } from "../supervisor/child_info.ts";
import { SupervisorError } from "../supervisor/errors.ts";
import { COUNT_CHILDREN, START_CHILD, TERMINATE_CHILD, WHICH_CHILDREN } from "./_wire.ts";
import { ConsumerRef } from "./consumer_ref.ts";

const IGNORE = atom("ignore");
const OK = atom("ok");

/**
 * A reference to a consumer supervisor: one of ours, or by `node.ref(ConsumerSupervisor, target)` any ConsumerSupervisor of any node.
 */
export class ConsumerSupervisorRef<S, In> extends ConsumerRef<S, In> {
  /** All children, in no order: `ConsumerSupervisor.which_children`. */
  async whichChildren(): Promise<ChildInfo[]> {
    const reply = await this._ask(WHICH_CHILDREN);
    if (isList(reply)) return reply.map(infoIn);
    throw unexpected("ask for the children", reply);
  }

  /** How many children there are: `ConsumerSupervisor.count_children`. */
  async countChildren(): Promise<ChildCounts> {
    const reply = await this._ask(COUNT_CHILDREN);
    if (!(reply instanceof TermMap)) throw unexpected("count the children", reply);
    const count = (name: string): number => Number(reply.field(name));
    return {
      specs: count("specs"),
      active: count("active"),
      supervisors: count("supervisors"),
      workers: count("workers"),
    };
  }

  /**
   * Starts one more child, which counts in no subscription: `ConsumerSupervisor.start_child(supervisor, [event])`.
   *
   * @returns its pid, `null` where it did not want to start.
   * @throws {SupervisorError} why it could not be started.
   */
  async startChild(event: In): Promise<Pid | null> {
    const reply = await this._ask(tuple(START_CHILD, [event] as Encodable));
    if (reply === IGNORE) return null;
    if (isTuple(reply) && reply[0] === OK && reply[1] instanceof Pid) return reply[1];
    throw refused("start a child", reply);
  }

  /**
   * Ends a child, and waits for its end; more events are asked for in its place: `ConsumerSupervisor.terminate_child`.
   *
   * @throws {SupervisorError} `not_found`.
   */
  async terminateChild(pid: Pid): Promise<void> {
    if (!(pid instanceof Pid)) {
      throw new TypeError(`Cannot terminate a child: its pid is needed, ${typeof pid} came`);
    }
    const reply = await this._ask(tuple(TERMINATE_CHILD, pid));
    if (reply !== OK) throw refused("terminate a child", reply);
  }
}

function infoIn(child: Term): ChildInfo {
  if (!isTuple(child) || child.length !== 4) throw unexpected("ask for the children", child);
  const [, pid, type] = child;
  const isSupervisor = type instanceof Atom && type.name === "supervisor";
  return {
    id: null,
    pid: pid instanceof Pid ? pid : null,
    state: pid instanceof Pid ? "running" : "restarting",
    type: isSupervisor ? "supervisor" : "worker",
  };
}

function refused(verb: string, reply: Term): Error {
  if (isTuple(reply) && reply.length === 2 && reply.tag === "error") {
    return new SupervisorError(verb, reply[1] as Term);
  }
  return unexpected(verb, reply);
}

function unexpected(verb: string, reply: Term): TypeError {
  const shown = format(reply, { maxLength: 500 });
  return new TypeError(`Cannot ${verb}: no consumer supervisor answers with ${shown}`);
}
