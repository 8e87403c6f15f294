import { type Atom, atom } from "../etf/atom.ts";
import { encode } from "../etf/encoder.ts";
import { type Pid, Ref } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import type { Core } from "../node/core.ts";
import type { Receiver } from "../node/core_options.ts";
import { errorText, ExitError, exitReasonOf } from "../node/errors.ts";
import type { Node } from "../node/node.ts";
import type { Priority } from "../node/process/mailbox.ts";
import { processId } from "../node/process/process.ts";
import { failByName } from "../node/remote/caller_monitor.ts";
import { addressOf, type Name, nodeOf } from "../node/target.ts";
import type { Timer } from "../platform/contract.ts";
import type { StartThread, Thread } from "../platform/threads.ts";
import { Answers } from "./_answers.ts";
import { failureOf, failureTerm } from "./_failures.ts";
import { Held } from "./_held.ts";
import { AS_IT_IS, type Caller, Mail, MailReader, type Signal } from "./_mail.ts";
import { OutMonitor } from "./_out_monitor.ts";
import { badReason, failCall, refuseMessage } from "./_refusals.ts";
import { type Settings, settingsTerm, SHARED_BYTES, THREAD } from "./_settings.ts";
import { SharedAnswer } from "./_shared_answer.ts";
import { FIRST_CHECK, hasReason, OP, PRIORITIES } from "./_signals.ts";
import { targetOf } from "./_targets.ts";
import { type NextPlace, WaitingPlace } from "./_waiting_place.ts";
import { type Place, PlacedBody, PlacedProcess } from "./placed_process.ts";

/** Milliseconds within which a thread has to come back from what was killed there. */
const PATIENCE = 2_000;

/** What a thread needs of those who keep it. */
export interface ThreadHome {
  readonly node: Node;
  readonly entry: URL;
  readonly startThread: StartThread;
  settings(): Settings;
  /**
   * It has ended.
   *
   * @param waiting what was to run there.
   * @param terminated where it was ended by us.
   */
  ended(thread: NodeThread, waiting: WaitingPlace | null, terminated: Promise<void> | null): void;
}

/** A thread that some of the node's processes run on, as the others see it: it does in their name what they do. */
export class NodeThread implements Place, NextPlace {
  readonly number: number;
  readonly #home: ThreadHome;
  readonly #node: Node;
  readonly #core: Core;
  readonly #mail: Mail;
  readonly #reader: MailReader;
  readonly #thread: Thread;
  readonly #processes: Map<number, PlacedProcess> = new Map();
  readonly #monitors: Map<number, OutMonitor> = new Map();
  readonly #held: Held;
  readonly #answers: Answers;
  /** Stands for the thread where its code does something outside of any process. */
  readonly #main: PlacedProcess;
  readonly #shared: SharedAnswer;
  /** The last check that it was told of. */
  #check: number = FIRST_CHECK;
  #patience: Timer | null = null;
  /** What was placed here since it is doubtful. */
  #waiting: WaitingPlace | null = null;
  #over = false;

  constructor(home: ThreadHome, number: number) {
    this.#home = home;
    this.#node = home.node;
    this.#core = home.node._core;
    this.number = number;
    const core = this.#core;
    const settings = home.settings();
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    this.#shared = new SharedAnswer(shared);
    this.#reader = new MailReader({
      termsOf: (signal) => this.#termsOf(signal),
      handle: (signal, payload) => this.#handle(signal, payload),
      refused: (signal, error, caller) => this.#refused(signal, error, caller),
      fault: (error) => core.fault(`Cannot do what worker ${number} wants`, error),
    });
    this.#thread = home.startThread(
      home.entry,
      `worker ${number} of ${core.name.name}`,
      { of: THREAD, settings: encode(settingsTerm(settings)), shared },
      {
        message: (bytes) => this.#read(bytes),
        ended: (error, code) => this.#ended(error, code),
      },
    );
    this.#mail = new Mail(
      (bytes) => this.#thread.post(bytes),
      (fn) => core.platform.defer(fn),
    );
    this.#held = new Held(home.node, (node, busy) => this.tell(OP.BUSY, [atom(node), busy]));
    this.#answers = new Answers(home.node, this.#shared, this, settings.references);
    this.#main = this.#add(settings.pids.first, new PlacedBody(`worker ${number}`, true));
    this.#main.groupLeader = core.main.groupLeader;
  }

  /** How many processes run there. */
  get size(): number {
    return this.#processes.size - 1 + (this.#waiting?.size ?? 0);
  }

  /** Whether something was killed there, and it has not come to do what it is told since. */
  get isDoubtful(): boolean {
    return this.#check > FIRST_CHECK && this.#shared.checked !== this.#check;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** The blocks of numbers of its references. */
  get references(): ReadonlySet<number> {
    return this.#answers.references;
  }

  /** Makes what stands here for a process over there. */
  add(body: PlacedBody): PlacedProcess {
    const number = this.#core.pids.take();
    if (!this.isDoubtful) return this.#add(number, body);
    this.#waiting ??= new WaitingPlace();
    return this.#waiting.add(this.#core, number, body);
  }

  begun(pid: Pid, name: string): PlacedProcess {
    return this.#add(processId(pid), new PlacedBody(name));
  }

  adopt(process: PlacedProcess): void {
    process.place = this;
    this.#processes.set(process.id, process);
  }

  post(bytes: Uint8Array): void {
    this.#mail.flush();
    this.#thread.post(bytes);
  }

  /** It has to answer within some time, else it computes on for a process that there is no more, and is ended. */
  check(): void {
    if (this.#over) return;
    this.tell(OP.CHECK, [++this.#check]);
    if (this.#patience !== null) return;
    this.#mail.flush(); // whatever this thread does next
    this.#beginPatience();
  }

  /** What takes messages to an alias of one of its processes, and its calls. */
  receiver(ref: Ref): Receiver {
    return {
      deliver: (message, priority = "normal") =>
        this.tell(OP.SEND, [null, ref, PRIORITIES.indexOf(priority)], message as Encodable),
      refuse: (reason) => this.tellReason(OP.FAIL, [ref], reason),
    };
  }

  tell(op: number, fields: readonly Encodable[], payload?: Encodable): void {
    if (!this.#over) this.#mail.write(op, fields, payload);
  }

  tellReason(op: number, fields: readonly Encodable[], reason: Term): void {
    if (!this.#over) this.#mail.writeReason(op, fields, reason);
  }

  process(pid: Pid): PlacedProcess | undefined {
    const process = this.#core.process(pid);
    return process === undefined ? undefined : this.#processes.get(process.id);
  }

  forget(process: PlacedProcess): void {
    this.#processes.delete(process.id);
  }

  /** Ends it, and with it the processes that it still has. */
  async close(): Promise<void> {
    this.#end(tuple(atom("shutdown"), atom("worker")) as Term);
    await this.#thread.terminate();
  }

  #add(number: number, body: PlacedBody): PlacedProcess {
    const core = this.#core;
    const process = new PlacedProcess(core, core.pids.pid(number), body, this);
    this.#processes.set(number, process);
    core.processes.set(number, process);
    return process;
  }

  /** Where it cannot be read what it says, it is not known any more what runs there. */
  #read(bytes: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#reader.read(bytes);
    } catch (error) {
      const what = `it has sent what cannot be read: ${errorText(error)}`;
      this.#down(exitReasonOf(error) as unknown as Tuple, what, true);
    }
  }

  #ended(error: unknown, code: number): void {
    if (this.#over) return;
    const why = error === null
      ? tuple(atom("exit_code"), code)
      : exitReasonOf(error) as unknown as Tuple;
    const what = error === null ? `exit code ${code}` : String((error as Error)?.message ?? error);
    this.#down(why, what, false);
  }

  #beginPatience(): void {
    const awaited = this.#check;
    this.#patience = this.#core.platform.setTimer(PATIENCE, () => {
      this.#patience = null;
      const { checked } = this.#shared;
      if (checked === this.#check) return;
      // It has not begun yet, or does something, and something else was killed since.
      if (checked === 0 || checked >= awaited) return this.#beginPatience();
      this.#down(
        tuple(atom("not_responding"), PATIENCE),
        `it computes on for a process that was killed, and was ended after ${PATIENCE} ms`,
        true,
      );
    }, { unref: true });
  }

  #down(why: Tuple, what: string, isRunning: boolean): void {
    const count = this.#processes.size - 1;
    this.#core.logger._log(
      "error",
      `Worker ${this.number} has ended, and ${count} processes with it: ${what}`,
    );
    this.#end(tuple(atom("worker_down"), why) as unknown as Term, what, isRunning);
  }

  /** @param isRunning whether the thread is still to be ended. */
  #end(reason: Term, what?: string, isRunning = false): void {
    if (this.#over) return;
    this.#over = true;
    this.#patience?.cancel();
    this.#held.clear();
    this.#answers.close();
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#home.ended(this, waiting, isRunning ? this.#thread.terminate() : null);
    for (const process of [...this.#processes.values()]) {
      const { _class: name } = process.placed;
      const text = `Cannot start ${name}: its worker has ended: ${what}`;
      process.hasEnded(reason, what === undefined ? null : new ExitError(reason, text));
    }
  }

  /** What waited to know whether it does something goes there. */
  #checked(): void {
    if (this.isDoubtful) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.moveTo(this);
  }

  /** How what a process over there sends is decoded: as its receiver wants it; what is passed on stays what it is. */
  #termsOf(signal: Signal): DecodeOptions {
    const core = this.#core;
    if (signal[0] !== OP.SEND) return core.terms;
    const address = addressOf(targetOf(signal[2]));
    if (core.remoteOf(address) !== null) return AS_IT_IS;
    const elsewhere = address instanceof Ref ? core.parts?.termsOf(core.refNumber(address)) : null;
    return elsewhere ?? core.local(address)?.terms ?? core.terms;
  }

  /** What it has sent is more than its receiver takes. */
  #refused(signal: Signal, error: Error, caller: Caller | null): void {
    if (hasReason(signal[0])) return this.#handle(signal, badReason(error));
    switch (signal[0]) {
      case OP.SEND:
        return refuseMessage(this.#core, targetOf(signal[2]), error, caller);
      case OP.FAILED:
        return this.#from(signal[1], (process) => process.hasStarted(error));
      case OP.ASK:
        return this.tell(OP.ANSWER, [signal[1] as number, false], failureTerm(error));
      case OP.ASK_NOW:
        return this.#answers.refuseNow(signal[1] as number, error);
    }
    throw error;
  }

  #handle(signal: Signal, payload: Term): void {
    const core = this.#core;
    switch (signal[0]) {
      case OP.SEND:
        return this.#send(signal, payload);
      case OP.EXIT:
        return this.#from(signal[1], (from) => {
          const to = signal[2] as Pid;
          this.#held.send(to.node, () => core.exit(from, to, payload));
        });
      case OP.LINK:
        return this.#from(
          signal[1],
          (from) => from.act(() => core.link(from, signal[2] as Pid)),
        );
      case OP.UNLINK:
        return this.#from(
          signal[1],
          (from) => from.act(() => core.unlink(from, signal[2] as Pid)),
        );
      case OP.MONITOR:
        return this.#from(signal[1], (from) => this.#monitor(from, signal[2], signal[3] as Ref));
      case OP.DEMONITOR:
        this.#monitors.get(core.refNumber(signal[1] as Ref))?.[Symbol.dispose]();
        return;
      case OP.FAIL: {
        const [, ref, server, caller] = signal as unknown as [number, Ref | null, Pid, Pid];
        if (ref === null) return this.#from(server, (to) => failByName(to, caller, payload));
        return failCall(core, ref, payload);
      }
      case OP.LEADER:
        return core.setGroupLeader(signal[2] as Pid, signal[1] as Pid);
      case OP.SPAWNED:
        return this.#spawned(signal);
      case OP.STARTED:
        return this.#from(signal[1], (process) => {
          process.placed._class = String(signal[2]);
          process.placed.kind = (signal[3] as Atom).name;
          process.hasStarted(null);
        });
      case OP.FAILED:
        return this.#from(signal[1], (process) => process.hasStarted(failureOf(payload)));
      case OP.ENDED:
        return this.#from(signal[1], (process) => process.hasEnded(payload));
      case OP.LOG:
        return this.#log(payload);
      case OP.ASK:
        return this.#answers.later(signal[1] as number, payload);
      case OP.ASK_NOW:
        return this.#answers.now(signal[1] as number, payload);
      case OP.CHECK:
        return this.#checked();
    }
  }

  /** What a process that has ended here has done since is nobody's. */
  #from(pid: Term, fn: (process: PlacedProcess) => void): void {
    const process = this.process(pid as Pid);
    if (process !== undefined) fn(process);
  }

  #send([, from, to, priority]: Signal, message: Term): void {
    this.#from(from, (process) => {
      const core = this.#core;
      const target = targetOf(to);
      const urgency = PRIORITIES[priority as number] as Priority;
      const node = nodeOf(addressOf(target));
      if (node === "" || node === core.name.name) core.send(process, target, message, urgency);
      else this.#held.send(node, () => core.send(process, target, message, urgency));
    });
  }

  #monitor(from: PlacedProcess, to: Term, ref: Ref): void {
    const core = this.#core;
    const number = core.refNumber(ref);
    const monitor = new OutMonitor(from, ref, (reason) => {
      this.#monitors.delete(number);
      if (reason !== undefined) this.tellReason(OP.DOWN, [ref], reason);
    });
    this.#monitors.set(number, monitor);
    monitor.watch(core, addressOf(targetOf(to)) as Pid | Name);
  }

  #spawned([, pid, parent, leader, name]: Signal): void {
    const process = this.process(pid as Pid) ?? this.begun(pid as Pid, String(name));
    process.parent = parent as Pid | null;
    process.groupLeader = leader as Pid;
  }

  #log(event: Term): void {
    const [level, time, pid, name, message, fields] = event as unknown as [
      Atom,
      number,
      Pid | null,
      Term,
      unknown,
      Iterable<[Term, Term]>,
    ];
    this.#core.logger._emit({
      level: level.name as "error",
      time,
      node: this.#core.name.name,
      pid,
      name: name === null ? null : String(name),
      message: String(message),
      fields: Object.fromEntries([...fields].map(([key, value]) => [String(key), value])),
      meta: {},
    });
  }
}
