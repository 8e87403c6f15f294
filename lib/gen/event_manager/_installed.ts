import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { NORMAL, SHUTDOWN } from "../../node/atoms.ts";
import { exitReasonOf } from "../../node/errors.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import { shown } from "../sys/shown.ts";
import { EventHandler, type HandlerHome, Removal, Swap } from "./event_handler.ts";
import { type HandlerName, nameOfHandler, nameTerm, sameName } from "./handler_id.ts";
import type { HandlerTable } from "./handler_id.ts";

const OK = atom("ok");
const ERROR = atom("error");
const EXITED = atom("EXIT");
const STOP = atom("stop");
const REMOVE_HANDLER = atom("remove_handler");
const GEN_EVENT_EXIT = atom("gen_event_EXIT");
const SWAPPED = atom("swapped");

/** What makes a handler: its name, its class, what its `init` takes. */
export interface HandlerSpec {
  readonly name: HandlerName;
  readonly type: new () => EventHandler;
  readonly args: readonly unknown[];
}

/** A handler that a manager has. */
export class Installed implements HandlerHome {
  readonly context: ProcessContext;
  readonly name: HandlerName;
  readonly handler: EventHandler;
  /** The process whose end removes it, and that is told of its own. */
  owner: Pid | null;
  readonly #failed: (installed: Installed, error: unknown) => unknown;
  readonly #timers: Set<Disposable> = new Set();

  constructor(
    context: ProcessContext,
    name: HandlerName,
    handler: EventHandler,
    owner: Pid | null,
    failed: (installed: Installed, error: unknown) => unknown,
  ) {
    this.context = context;
    this.name = name;
    this.handler = handler;
    this.owner = owner;
    this.#failed = failed;
    handler._attach(this);
  }

  after(ms: number, fn: () => unknown): Disposable {
    const timer = this.context.after(ms, async () => {
      this.#timers.delete(timer);
      try {
        await fn();
      } catch (error) {
        await this.#failed(this, error);
      }
    });
    this.#timers.add(timer);
    return timer;
  }

  /** Takes back what it has, since it is gone. */
  detach(): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    this.handler._detach();
  }
}

/** The handlers of one manager, the newest first, as gen_event keeps them. */
export class Handlers {
  #list: readonly Installed[] = [];
  readonly #context: ProcessContext;
  readonly #table: HandlerTable;

  constructor(context: ProcessContext, table: HandlerTable) {
    this.#context = context;
    this.#table = table;
  }

  get list(): readonly Installed[] {
    return this.#list;
  }

  find(name: HandlerName): Installed | undefined {
    return this.#list.find((one) => sameName(one.name, name));
  }

  /**
   * Adds a handler before the others.
   *
   * @param swapped what the one has left in whose place it comes.
   * @throws what its `init` throws.
   */
  async add(spec: HandlerSpec, owner: Pid | null, swapped?: Term): Promise<void> {
    // As in OTP the link comes first, and stays where the handler is refused.
    if (owner !== null) this.#context.link(owner);
    const made = await this.#made(spec, owner, swapped);
    this.#list = [made, ...this.#list];
  }

  /** Removes a handler; what its `terminate` has returned, `undefined` where there is no such handler. */
  async delete(name: HandlerName, reason: Term): Promise<Term | undefined> {
    const found = this.find(name);
    if (found === undefined) return undefined;
    this.#drop(found);
    return await this.#terminate(found, reason, NORMAL, atom("delete"));
  }

  /** @param owner of the new one; `null` takes that of the old one. */
  async swap(name: HandlerName, reason: Term, spec: HandlerSpec, owner: Pid | null): Promise<void> {
    const found = this.find(name);
    let left: Term = ERROR;
    if (found !== undefined) {
      this.#drop(found);
      left = await this.#terminate(
        found,
        reason,
        this.#swapped(spec.name, owner ?? found.owner),
        SWAPPED,
      );
    }
    await this.add(spec, owner ?? found?.owner ?? null, left);
  }

  /** Gives each handler an event, or another message, one after the other. Where none returns a promise it is done at once. */
  notify(kind: "handleEvent" | "handleInfo", event: Term): unknown {
    const list = this.#list;
    for (let i = 0; i < list.length; i++) {
      const one = list[i];
      try {
        const result = one.handler[kind](event);
        if (isPromise(result) || result instanceof Removal || result instanceof Swap) {
          return this.#settle(one, result, event).then(() =>
            this.#notifyRest(list, i + 1, kind, event)
          );
        }
      } catch (error) {
        return this.failed(one, error, event).then(() =>
          this.#notifyRest(list, i + 1, kind, event)
        );
      }
    }
    return undefined;
  }

  async #notifyRest(
    list: readonly Installed[],
    from: number,
    kind: "handleEvent" | "handleInfo",
    event: Term,
  ): Promise<void> {
    for (const one of list.slice(from)) {
      if (!this.#list.includes(one)) continue; // gone meanwhile
      let result: unknown;
      try {
        result = one.handler[kind](event);
      } catch (error) {
        await this.failed(one, error, event);
        continue;
      }
      await this.#settle(one, result, event);
    }
  }

  /** Waits for what a handler has returned, and carries it out. */
  async #settle(one: Installed, result: unknown, event: Term): Promise<void> {
    try {
      await this.#went(one, await result, event);
    } catch (error) {
      await this.failed(one, error, event);
    }
  }

  /** Where what it has returned says so, it goes. */
  async #went(one: Installed, result: unknown, event: Term): Promise<void> {
    if (result instanceof Removal) {
      this.#drop(one);
      await this.#terminate(one, REMOVE_HANDLER, NORMAL, atom("remove"));
    } else if (result instanceof Swap) {
      await this.#swapInPlace(one, result, event);
    }
  }

  /** The handler that did so has failed: it is removed and reported. */
  async failed(one: Installed, error: unknown, last: Term): Promise<Term> {
    const reason = tuple(EXITED, exitReasonOf(error)) as unknown as Term;
    if (this.#list.includes(one)) {
      this.#drop(one);
      await this.#terminate(one, tuple(ERROR, reason) as Term, reason, last);
    }
    return reason;
  }

  /** What a call's handler has returned, as the reply. */
  async answered(one: Installed, result: unknown, request: Term): Promise<unknown> {
    await this.#went(one, result, request);
    return result instanceof Removal || result instanceof Swap ? result.reply : result;
  }

  /** The process has ended that supervised some of them. */
  async ownerEnded(owner: Pid, reason: Term): Promise<void> {
    for (const one of this.#list) {
      if (one.owner === null || !one.owner.equals(owner)) continue;
      this.#drop(one);
      const last = tuple(atom("parent_terminated"), tuple(owner, reason)) as unknown as Term;
      await this.#terminate(one, tuple(STOP, reason) as Term, SHUTDOWN, last);
    }
  }

  /** The manager ends. */
  async stop(): Promise<void> {
    const all = this.#list;
    this.#list = [];
    for (const one of all) await this.#terminate(one, STOP, SHUTDOWN, STOP);
  }

  async #made(spec: HandlerSpec, owner: Pid | null, swapped?: Term): Promise<Installed> {
    const handler = new spec.type();
    if (!(handler instanceof EventHandler)) {
      throw new TypeError(
        `Cannot add ${spec.name.module}: it is no class that extends EventHandler`,
      );
    }
    handler.swapped = swapped;
    const failed = (one: Installed, error: unknown): unknown =>
      this.failed(one, error, atom("timer"));
    const made = new Installed(this.#context, spec.name, handler, owner, failed);
    try {
      const result = await handler.init(...spec.args as never[]);
      // As in OTP: {error, Reason} is no state.
      if (isTuple(result) && result[0] === ERROR) throw new RefusedError(result as Term);
    } catch (error) {
      made.detach();
      throw error;
    }
    return made;
  }

  async #swapInPlace(one: Installed, swap: Swap, last: Term): Promise<void> {
    const { name, type } = nameOfHandler(swap.to, this.#table);
    const left = await this.#terminate(one, swap.reason, this.#swapped(name, one.owner), SWAPPED);
    try {
      if (type === undefined) throw new TypeError(`Cannot swap: ${name.module} is not provided`);
      const made = await this.#made({ name, type, args: swap.args }, one.owner, left);
      this.#list = this.#list.map((other) => other === one ? made : other);
    } catch (error) {
      this.#drop(one);
      const reason = tuple(EXITED, exitReasonOf(error)) as unknown as Term;
      this.#report(name, one.owner, reason, null, last);
    }
  }

  #swapped(name: HandlerName, owner: Pid | null): Term {
    return tuple(SWAPPED, nameTerm(name), owner === null ? false : owner) as unknown as Term;
  }

  #drop(one: Installed): void {
    this.#list = this.#list.filter((other) => other !== one);
  }

  /** @param how why it goes, as its owner is told. */
  async #terminate(one: Installed, reason: Term, how: Term, last: Term): Promise<Term> {
    let result: Term;
    try {
      const returned = await one.handler.terminate(reason);
      result = returned === undefined ? OK : returned as Term;
    } catch (error) {
      result = tuple(EXITED, exitReasonOf(error)) as unknown as Term;
    }
    this.#report(one.name, one.owner, how, one, last);
    one.detach();
    return result;
  }

  #report(
    name: HandlerName,
    owner: Pid | null,
    how: Term,
    one: Installed | null,
    last: Term,
  ): void {
    const inOrder = how === NORMAL || how === SHUTDOWN ||
      (how as readonly unknown[])[0] === SWAPPED;
    if (!inOrder) {
      const state = one === null ? "" : `, its state ${text(stateOf(one))}`;
      this.#context._core.logger._log(
        "error",
        `Event handler ${text(nameTerm(name))} of ${text(this.#context.pid)} was removed: ${
          text(how)
        }, last event ${text(last)}${state}`,
        this.#context._process,
      );
    }
    if (owner === null) return;
    const message = tuple(GEN_EVENT_EXIT, nameTerm(name), how) as unknown as Encodable;
    try {
      this.#context.send(owner, message);
    } catch (error) {
      // Its node takes nothing now, or what was thrown is no term: no reason to end the manager.
      this.#context._core.fault("Cannot tell of the end of an event handler", error);
    }
  }
}

/** A handler's `init` has returned `{error, Reason}`. */
export class RefusedError extends Error {
  readonly term: Term;

  constructor(term: Term) {
    super(`The handler refused to be added: ${text(term)}`);
    this.term = term;
  }
}

/** A handler's state as it is shown. */
export function stateOf(one: Installed): Term {
  try {
    return shown(one.handler.formatState());
  } catch {
    return `${one.name.module}:formatState crashed`;
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

function text(value: unknown): string {
  return format(shown(value), { maxLength: 1_000 });
}
