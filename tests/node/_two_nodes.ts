import {
  type Atom,
  atom,
  type Encodable,
  exit,
  type From,
  GenServer,
  isTuple,
  later,
  type Node,
  noReply,
  on,
  type Pid,
  t,
  type Term,
} from "../../mod.ts";

export const NOCONNECTION = atom("noconnection");
export const [EXIT, DOWN, PROCESS] = [atom("EXIT"), atom("DOWN"), atom("process")];

export function named(name: string, node: Node): { readonly name: string; readonly node: string } {
  return { name, node: node.name };
}

/** Replies what it is asked, at once or later. */
export class Echo extends GenServer {
  override readonly calls = {
    echo: on(t.term, (value) => value),
    caller: () => this.caller,
    never: () => later(new Promise(() => {})),
    stop: on(t.term, (reason) => this.stop(reason as Atom)),
    exit: on(t.term, (reason): null => exit(reason as Atom)),
  };
  override handleCall(request: Term, from: From): unknown {
    // {answer_for, Pid}: another process answers in our place
    if (!isTuple(request) || request.tag !== "answer_for") return super.handleCall(request, from);
    this.send(request[1] as Pid, from.term as unknown as Encodable);
    return noReply;
  }
}
