import { atom } from "../../etf/atom.ts";
import { Pid, type Ref } from "../../etf/identifiers.ts";
import * as t from "../../etf/schema/t.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { applyProvided, type Asked, failureOf, stackEntry } from "../../node/provided/apply.ts";
import { SHUTDOWN } from "../../node/atoms.ts";
import { ExitError, exitReasonOf, isProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import { RaisedError } from "../../node/provided/raise.ts";
import { ReceiveTimeoutError, type Self } from "../../node/process/self.ts";

const TIMEOUT = atom("timeout");
/** Milliseconds in which the owner has to say what is to be run, as in Elixir (Task.Supervised). */
const START_TIME = 5_000;

/** Who started a task. */
export interface Owner {
  readonly pid: Pid;
  /** The node that has asked for it, as its connection says; `null` where it is this one. */
  readonly peer: string | null;
}

/** `{OwnerPid, Tag, ReplyTo, Callers, {M, F, Args}}`, which Elixir sends to the process of a task; the value goes back as `{Tag, Value}`. */
const Start = t.tuple(
  t.pid,
  t.term,
  t.union(t.pid, t.ref),
  t.term,
  t.tuple(t.term, t.term, t.term),
);
const OwnerDown = t.tuple(t.atom("DOWN"), t.ref, t.term, t.term, t.term);

/** The owner in a request to start a task, `{Node, NameOrPid, Pid}`; `null` where there is none. */
export function ownerOf(term: Term, peer: string | null): Owner | null {
  if (!isTuple(term) || term.length !== 3) return null;
  const pid = term[2];
  return pid instanceof Pid ? { pid, peer } : null;
}

/** `{M, F, Args}`; `null` where it is something else. */
export function taskOf(term: Term): Asked | null {
  if (!isTuple(term) || term.length !== 3) return null;
  const [module, name, args] = term;
  return { module, name, args };
}

/** The process of a task that somebody waits for: it is told what to run, and sends `{Tag, Value}`. */
export async function runAndReply(
  node: Node,
  self: Self,
  owner: Owner,
  monitor: boolean,
): Promise<void> {
  const watching = monitor ? self.monitor(owner.pid) : null;
  const [, tag, replyTo, , task] = await started(self, owner);
  watching?.[Symbol.dispose]();
  const asked = taskOf(task as Term)!;
  await finish(node, self, owner, asked, (value) => {
    self.send(replyTo as Pid | Ref, tuple(tag, value) as Term);
  });
}

/** The process of a task that nobody waits for. */
export function runAlone(node: Node, self: Self, owner: Owner, asked: Asked): Promise<void> {
  return finish(node, self, owner, asked, () => {});
}

async function started(self: Self, owner: Owner): Promise<readonly unknown[]> {
  const process = self._process;
  // It runs with the rights of its owner's node: nobody else may say what. The schema is asked while a message is being delivered;
  // the supervisor has set asksOrigin, for the message may have come before this process runs.
  const first = t.union(
    Start.where(([pid]) => pid.equals(owner.pid) && process.origin === owner.peer, "a task"),
    OwnerDown.where(() => process.origin === null, "the end of the owner"),
  );
  try {
    const message = await self.receive(first, { timeout: START_TIME }) as readonly unknown[];
    if (message[0] instanceof Pid) return message;
    throw new ExitError(tuple(SHUTDOWN, message[4]) as Term); // the owner is gone
  } catch (error) {
    throw error instanceof ReceiveTimeoutError ? new ExitError(TIMEOUT) : error;
  } finally {
    process.asksOrigin = false;
  }
}

async function finish(
  node: Node,
  self: Self,
  owner: Owner,
  asked: Asked,
  done: (value: Encodable) => void,
): Promise<void> {
  try {
    const value = await applyProvided(node, self, owner.peer, asked);
    if (self._process.exited) return;
    done(value === undefined ? null : value as Encodable);
  } catch (error) {
    if (self._process.exited) return;
    const failure = failureOf(error, asked);
    if (failure.class === "exit") throw new ExitError(failure.reason);
    const stacktrace = failure.class === "error" ? failure.stacktrace : [stackEntry(asked)];
    const reason = new RaisedError(failure.class, failure.reason, stacktrace).exitReason;
    // With the JavaScript stack where there is one: whoever waits is not told that.
    node._core.crashed(self._process, isProcessError(error) ? reason : exitReasonOf(error));
    throw new ExitError(reason);
  }
}
