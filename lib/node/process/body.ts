import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import type { Request } from "../call.ts";
import type { Target } from "../target.ts";
import type { Platform } from "../../platform/contract.ts";
import type { Deadline } from "./deadlines.ts";
import type { BrokenLinks } from "./links.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Turn } from "./turn.ts";

/** What a process does with its messages: a GenServer's handlers, or a function that receives. */
export interface Body {
  /**
   * Takes one message: a term, or a {@linkcode Call} or {@linkcode Cast} of this node. A promise holds the mailbox until it
   * settles; a throw or a rejection is a crash.
   */
  _receive(message: unknown): unknown;
  /** The process ends in order, by its own stop or a crash. A promise delays the end until it settles. */
  terminate?(reason: ExitReason): unknown;
  /** The process has ended, however it did. */
  _ended?(): void;
  /**
   * A function's process, as those of Erlang's `spawn`: only errors that nobody expected are reported, and where it traps exits
   * a node that stops sends it a message. Default: a behaviour, whose abnormal ends are reported, and which ends in order.
   */
  readonly _plain?: boolean;
  /**
   * A process of the node's own: no exit signal ends it, for nobody elsewhere is to end it, and none of its messages is refused
   * because too much waits. Default: an ordinary one.
   */
  readonly _essential?: boolean;
  /** What it is, for whoever looks at processes, where that is not the name of its class. */
  readonly _class?: string;
  /** How many messages it has taken and keeps for later. */
  readonly _waiting?: number;
  /** Gives away the first of those that it keeps; `undefined` where there is none. */
  _dropOldest?(): unknown;
  /** What takes an urgent message where it keeps messages: it goes before those that are less urgent. */
  _urgent?(message: unknown, priority: "high" | "max"): Turn | undefined;
  /** The request's term as a caller of another node would write it, where the body knows how it is written. */
  _requestTerm?(request: Request, isCast: boolean): Encodable;
  /** Where it only stands before another body: that one, which is what the process is for whoever asks. */
  readonly _behind?: Body;
}

/** Why a process ends. Strings are refused by the type: they are binaries, and `atom("normal")` is meant. */
export type ExitReason = Exclude<Term, string>;

/** Who wants to know of a process's end. */
export interface Watcher {
  /** The process has ended with that reason. Where its node cannot be reached, `cause` says why, as far as it is known. */
  down(reason: Term, cause?: Error): void;
  /** Whose monitor it is, where it is a process's. */
  readonly by?: Pid;
}

/** The other end of a link: a process of this node, or one of a peer. */
export interface Linked {
  readonly pid: Pid;
  /** The process that is linked to this one has ended. */
  linkBroken(from: Pid, reason: Term): void;
}

/** What a process needs of its node. */
export interface Home {
  readonly scheduler: Scheduler;
  /** The links that break where a process ends. */
  readonly broken: BrokenLinks;
  /** The process has ended: forget its pid, its name and its aliases. */
  forget(process: Process, reason: Term): void;
  setDeadline(deadline: Deadline, ms: number): void;
  clearDeadline(deadline: Deadline): void;
  readonly platform: Pick<Platform, "now" | "log">;
  /** A message was dropped because its receiver's mailbox is full: whoever waits for an answer to it is told. */
  refused(receiver: Process, message: unknown): void;
  /** Sends in the name of a process. @returns whether somebody takes it, as far as that is known. */
  handOver(from: Process, target: Target, message: Encodable): boolean;
  /** A process ended abnormally, and nobody may have noticed. */
  crashed(process: Process, reason: Term): void;
  /** Something of the node's own went wrong, and everything else must go on. */
  fault(what: string, error: unknown): void;
}
