import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { ExitError } from "../node/errors.ts";
import { KILL, KILLED } from "../node/atoms.ts";
import { Call, Cast } from "../node/call.ts";
import type { Core } from "../node/core.ts";
import type { Body, ExitReason, Linked } from "../node/process/body.ts";
import type { Priority } from "../node/process/mailbox.ts";
import { Process } from "../node/process/process.ts";
import type { Registration } from "../node/process/registration.ts";
import { Turn } from "../node/process/turn.ts";
import { FromPeer } from "../node/remote/from_peer.ts";
import { AS_IT_IS } from "./_mail.ts";
import { OP, PRIORITIES, STOP } from "./_signals.ts";

/** Where a process runs that is placed elsewhere. */
export interface Place {
  /** @throws {EncodeError} if something in it is no term. */
  tell(op: number, fields: readonly Encodable[], payload?: Encodable): void;
  /** As `tell`; a reason that is no term, as that of a process of this thread may be, goes as `{bad_reason, Text}`. */
  tellReason(op: number, fields: readonly Encodable[], reason: Term): void;
  /** It has ended, and is forgotten here. */
  forget(process: PlacedProcess): void;
  /** It was ended from here: what it does over there has to make way. */
  check(): void;
}

/**
 * A process that runs on another thread, as all others see it: its pid and its name are this node's, so are its links and monitors. What it
 * gets it passes on, and it ends when the one over there has.
 *
 * Exit signals are passed on, too, for only there it is known whether they are trapped. `kill` counts at once: whatever the other thread is
 * busy with, nothing more is heard of the process.
 */
export class PlacedProcess extends Process {
  #place: Place;
  /** Whoever waits for its `init`. */
  #started: ((error: Error | null) => void) | null = null;
  /** Whether the end was that of the process over there. */
  #hasEnded = false;
  #why: Error | null = null;
  /** Whether it is the process itself that links and unlinks. */
  #acts = false;

  /** What it is over there, and how it is started. */
  readonly placed: PlacedBody;
  /** A name that is not this node's to give, which it gets before its `init` runs. */
  registration: Registration | null = null;

  constructor(core: Core, pid: Pid, body: PlacedBody, place: Place) {
    super(core, pid, body);
    this.placed = body;
    this.#place = place;
    body.process = this;
    this.terms = AS_IT_IS;
    this.since = core.age;
  }

  /** Where it runs is decided later than when it was started. */
  set place(place: Place) {
    this.#place = place;
  }

  /** @throws {EncodeError} if the arguments are no terms. */
  begin(fields: readonly Encodable[], payload: Encodable): void {
    this.#place.tell(OP.START, fields, payload);
  }

  /** What waits for its start is called once. */
  set starting(started: (error: Error | null) => void) {
    this.#started = started;
  }

  /** Its `init` is done, or why it is not. */
  hasStarted(error: Error | null): void {
    const started = this.#started;
    this.#started = null;
    started?.(error);
  }

  /** The process over there has ended. @param why what is told to whoever waits for its start. */
  hasEnded(reason: Term, why: Error | null = null): void {
    this.#hasEnded = true;
    this.#why = why;
    this.exit(reason);
  }

  /** Does what the process over there has done, which need not be told of it. */
  act(fn: () => void): void {
    this.#acts = true;
    try {
      fn();
    } finally {
      this.#acts = false;
    }
  }

  override deliver(message: unknown): void {
    if (message instanceof Turn && !this.exited) return this.#run(message);
    this.pass(message, "normal");
  }

  override post(message: unknown, priority: Priority = "normal"): boolean {
    if (message instanceof Turn) this.deliver(message);
    else this.pass(message, priority);
    return true;
  }

  /** Sends a message over there. A call is answered by way of its alias. */
  pass(message: unknown, priority: Priority): void {
    if (this.exited) return;
    if (message instanceof FromPeer) return this.pass(message.message, priority);
    this.handled++;
    const fields = [null, this.pid, PRIORITIES.indexOf(priority)];
    if (!(message instanceof Call)) {
      const term = message instanceof Cast ? message.message() : message;
      return this.#place.tell(OP.SEND, fields, term as Encodable);
    }
    if (message.done) return;
    try {
      this.#place.tell(OP.SEND, fields, message.message() as Encodable);
      this.keepCall(message);
    } catch (error) {
      message.fail(error);
    }
  }

  override exitSignal(from: Pid, reason: Term, byLink: boolean): void {
    if (this.exited || this.body._essential) return;
    if (reason === KILL && !byLink) return this.exit(KILLED);
    if (byLink) this.#place.tellReason(OP.EXIT, [from, this.pid, byLink], reason);
    else this.#place.tell(OP.EXIT, [from, this.pid, byLink], reason);
  }

  /** The exit signal takes the link away over there, too: to say so before would hide the signal. */
  override linkBroken(from: Pid, reason: Term): void {
    if (super.removeLink(from)) this.exitSignal(from, reason, true);
  }

  override stop(reason: Term): void {
    this.#end(STOP.NOW, reason);
  }

  override stopInTurn(reason: Term): void {
    this.#end(STOP.IN_TURN, reason);
  }

  override shutDown(_from: Pid, reason: Term): void {
    if (this.body._essential) this.exit(reason);
    else this.#end(STOP.SHUTDOWN, reason);
  }

  override exit(reason: Term): void {
    if (this.exited) return;
    if (!this.#hasEnded && !this.body._essential) {
      this.#hasEnded = true;
      this.#place.tellReason(OP.ENDED, [this.pid], reason);
      this.#place.check();
    }
    this.#place.forget(this);
    super.exit(reason);
    this.hasStarted(this.#why ?? new ExitError(reason));
  }

  override get name(): string | null {
    return super.name;
  }

  override set name(name: string | null) {
    super.name = name;
    if (!this.#acts && !this.exited) this.#place.tell(OP.NAMED, [this.pid, name]);
  }

  override addLink(other: Linked): void {
    super.addLink(other);
    if (!this.#acts) this.#place.tell(OP.LINK, [this.pid, other.pid]);
  }

  override removeLink(pid: Pid): boolean {
    const was = super.removeLink(pid);
    if (was && !this.#acts) this.#place.tell(OP.UNLINK, [this.pid, pid]);
    return was;
  }

  #end(how: number, reason: Term): void {
    if (!this.exited) this.#place.tellReason(OP.STOP, [this.pid, how], reason);
  }

  /** What is not for the process itself but for whoever has put it into its mailbox, as the work of a pool. */
  #run(turn: Turn): void {
    try {
      void turn.run(this);
    } catch (error) {
      this.home.fault(`Cannot pass on what process ${this.pid} is to do`, error);
    }
  }
}

/** Stands where a process has what it does with its messages. */
export class PlacedBody implements Body {
  readonly _essential: boolean;
  /** Its class over there. */
  _class: string;
  /** What kind of reference leads to it, see `_kinds.ts`. */
  kind = "pid";
  process: PlacedProcess | null = null;

  constructor(name: string, isEssential = false) {
    this._class = name;
    this._essential = isEssential;
  }

  _receive(message: unknown): void {
    this.process!.pass(message, "normal");
  }

  terminate(_reason: ExitReason): void {}
}
