import type { Atom } from "../etf/atom.ts";
import { encode } from "../etf/encoder.ts";
import { atom } from "../etf/atom.ts";
import { Pid, type Ref } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import type { Core } from "../node/core.ts";
import type { LogEvent } from "../node/log/event.ts";
import type { Priority } from "../node/process/mailbox.ts";
import type { Process } from "../node/process/process.ts";
import type { Platform } from "../platform/contract.ts";
import type { ThreadPort } from "../platform/threads.ts";
import { type Caller, Mail, MailReader, type Signal } from "./_mail.ts";
import { badReason, failCall, refuseMessage } from "./_refusals.ts";
import { type Settings, settingsOf } from "./_settings.ts";
import { FIRST_CHECK, hasReason, OP, PRIORITIES, STOP } from "./_signals.ts";
import { startOptionsOf } from "./_start_options.ts";
import { FarEnd } from "./far_node.ts";
import { Hub } from "./hub.ts";
import { cannotStart, Load } from "./load.ts";
import { PartNode } from "./part_node.ts";

/** Runs, on this thread, the part of a node that the thread was started for. */
export function runPart(port: ThreadPort, platform: Platform): void {
  const settings = settingsOf(port.data.settings);
  const mail = new Mail((bytes) => port.post(bytes), (fn) => platform.defer(fn));
  const hub = new Hub(mail, port, settings);
  const part = new NodePart(hub, platform, settings);
  port.onMessage((bytes) => part.read(bytes));
}

/** The part of a node that is on this thread, as the node's own thread tells it what happens to it. */
class NodePart {
  readonly #hub: Hub;
  readonly #node: PartNode;
  readonly #core: Core;
  readonly #reader: MailReader;

  constructor(hub: Hub, platform: Platform, settings: Settings) {
    this.#hub = hub;
    this.#node = new PartNode(hub, platform, settings, (event) => this.#logged(event));
    const core = this.#core = this.#node._core;
    hub.attach(core);
    core.remotes = hub;
    core.main.groupLeader = settings.leader;
    hub.checked(FIRST_CHECK);
    this.#reader = new MailReader({
      termsOf: (signal) => this.#termsOf(signal),
      handle: (signal, payload) => this.#handle(signal, payload),
      refused: (signal, error, caller) => this.#refused(signal, error, caller),
      fault: (error) => core.fault("Cannot do what the node wants of a worker", error),
    });
  }

  /** @throws {Error} if it cannot be read, by which the thread ends: it is not known any more what the node takes to run here. */
  read(bytes: Uint8Array): void {
    this.#reader.read(bytes);
  }

  #termsOf(signal: Signal): DecodeOptions {
    const core = this.#core;
    if (signal[0] === OP.SEND) return core.local(signal[2] as Pid | Ref)?.terms ?? core.terms;
    if (signal[0] === OP.EXIT) return core.process(signal[2] as Pid)?.terms ?? core.terms;
    return core.terms;
  }

  /** What the node has sent is more than its receiver takes. */
  #refused(signal: Signal, error: Error, caller: Caller | null): void {
    if (hasReason(signal[0])) return this.#handle(signal, badReason(error));
    switch (signal[0]) {
      case OP.SEND:
        return refuseMessage(this.#core, signal[2] as Pid | Ref, error, caller);
      case OP.START:
        return cannotStart(this.#hub, signal[1] as Pid, error);
      case OP.ANSWER:
        return this.#hub.failed(signal[1] as number, error);
    }
    throw error;
  }

  #handle(signal: Signal, payload: Term): void {
    const core = this.#core;
    switch (signal[0]) {
      case OP.SEND: {
        const to = signal[2] as Pid | Ref;
        const priority = PRIORITIES[signal[3] as number] as Priority;
        if (to instanceof Pid && priority === "normal") {
          core.receiveFor(to, payload, core.name.name);
        } else core.receive(to, payload, null, priority);
        return;
      }
      case OP.EXIT: {
        const [, from, to, byLink] = signal as unknown as [number, Pid, Pid, boolean];
        const process = core.process(to);
        if (byLink) process?.linkBroken(from, payload);
        else process?.exitSignal(from, payload, false);
        return;
      }
      case OP.DOWN:
        return this.#hub.down(signal[1] as Ref, payload);
      case OP.FAIL:
        return failCall(core, signal[1] as Ref, payload);
      case OP.LINK: {
        const [, of, to] = signal as unknown as [number, Pid, Pid];
        const process = core.process(of);
        // Of two processes of this part both know it already.
        if (process?.isLinked(to) === false) process.addLink(new FarEnd(to));
        return;
      }
      case OP.UNLINK:
        core.process(signal[1] as Pid)?.removeLink(signal[2] as Pid);
        return;
      case OP.START:
        return this.#start(signal, payload);
      case OP.ENDED:
        return core.process(signal[1] as Pid)?.exit(payload);
      case OP.STOP:
        return this.#stop(core.process(signal[1] as Pid), signal[2] as number, payload);
      case OP.NAMED: {
        const process = core.process(signal[1] as Pid);
        const name = signal[2] === null ? null : String(signal[2]);
        if (process !== undefined) this.#hub.names.named(process, name);
        return;
      }
      case OP.ANSWER:
        return this.#hub.answered(signal[1] as number, signal[2] as boolean, payload);
      case OP.BUSY:
        return this.#hub.busy(signal[1] as Atom, signal[2] as boolean);
      case OP.CHECK:
        return this.#hub.checked(signal[1] as number);
    }
  }

  #start(signal: Signal, payload: Term): void {
    const [, pid, module, name, parent, leader, register, registers] = signal as unknown as [
      ...[number, Pid, unknown, unknown],
      ...[Pid | null, Pid, unknown, boolean],
    ];
    const [args, options] = payload as unknown as [Term[], Term];
    const load = new Load(this.#node, this.#hub, String(module), String(name), args, registers);
    let process: Process;
    try {
      process = load.spawn(pid, startOptionsOf(options), leader);
    } catch (error) {
      return cannotStart(this.#hub, pid, error);
    }
    process.parent = parent;
    if (parent !== null) process.addLink(new FarEnd(parent));
    if (register !== null) this.#hub.names.named(process, String(register));
  }

  #stop(process: Process | undefined, how: number, reason: Term): void {
    if (how === STOP.NOW) process?.stop(reason);
    else if (how === STOP.IN_TURN) process?.stopInTurn(reason);
    else process?.shutDown(this.#core.main.pid, reason);
  }

  #logged({ level, time, pid, name, message, fields }: LogEvent): void {
    const terms = new Map(
      Object.entries(fields).map(([key, value]) => [key, this.#term(value)] as const),
    );
    const event = tuple(atom(level), time, pid, name, message, terms);
    this.#hub.mail.write(OP.LOG, [], event as Encodable);
  }

  /** What is no term goes as a text. */
  #term(value: unknown): Encodable {
    try {
      encode(value as Encodable);
      return value as Encodable;
    } catch {
      return this.#core.platform.inspect(value);
    }
  }
}
