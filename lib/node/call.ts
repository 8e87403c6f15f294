import { checkFields, type FieldsOf } from "../_util/fields.ts";
import { type Atom, atom } from "../etf/atom.ts";
import type { Pid, Ref } from "../etf/identifiers.ts";
import { ImproperList, isList } from "../etf/list.ts";
import { Pid as PidClass, Ref as RefClass } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, type Tuple, tuple } from "../etf/tuple.ts";
import { ALIAS, GEN_CALL, GEN_CAST, IO_REPLY, NOCONNECTION, NOPROC } from "./atoms.ts";
import { Deadline } from "./process/deadlines.ts";
import {
  CallTimeoutError,
  ExitError,
  NodeDownError,
  NoProcessError,
  ProcessError,
} from "./errors.ts";
import type { Priority } from "./process/mailbox.ts";
import type { Process, Undelivered, Watcher } from "./process/process.ts";
import { type Address, addressTerm, describe, nodeOf } from "./target.ts";

const GEN_SERVER = atom("gen_server");
const CALL = atom("call");
const INFINITY = atom("infinity");
const NO_TIMEOUT: readonly Term[] = [];

/** Milliseconds that a call waits for its reply unless it is told otherwise, as in OTP. */
export const CALL_TIMEOUT = 5_000;

/** How a call is to be made. */
export interface CallOptions {
  /** Milliseconds until the call ends with {@linkcode CallTimeoutError}; `Infinity` waits for ever. Default 5,000. */
  readonly timeout?: number;
  /** Gives the call up. The request may still be carried out. */
  readonly signal?: AbortSignal;
  /** How urgent the request is, see {@linkcode SendOptions}. Default "normal". */
  readonly priority?: Priority;
}

/** The options of a call that nothing else is said of. */
export const DEFAULTS: CallOptions = {};

const CALL_FIELDS: FieldsOf<CallOptions> = { timeout: true, signal: true, priority: true };

/** @internal Where options are given once for many calls: to look at them at each call would cost a good part of it. @throws {TypeError} if there is no such option. */
export function checkCallOptions(options: CallOptions): void {
  checkFields("make calls", options, CALL_FIELDS);
}

/** Who waits for an answer. */
export interface From {
  /** The process that called; for a call from outside of any process, one that stands for the node. */
  readonly pid: Pid;
  /** `{Pid, Tag}` as it crosses the wire, so that another process, also on another node, can answer. */
  readonly term: Tuple<[Pid, Term]>;
  /** Answers. Only the first answer counts, and one that comes too late is dropped. */
  reply(value: Encodable | undefined): void;
  /** Makes the caller exit with that reason, though the server lives on. */
  refuse(reason: Term): void;
}

/** A caller of another node, or one that was passed on: all that is known is the term. */
export class TermFrom implements From {
  readonly term: Tuple<[Pid, Term]>;
  #home: FromHome;
  #server: Process | undefined;

  /** @param server the process that answers; without one it is done in the name of the node. */
  constructor(home: FromHome, term: Tuple<[Pid, Term]>, server?: Process) {
    this.#home = home;
    this.#server = server;
    this.term = term;
  }

  get pid(): Pid {
    return this.term[0];
  }

  reply(value: Encodable | undefined): void {
    this.#home.reply(this.term, value === undefined ? null : value, this.#server);
  }

  refuse(reason: Term): void {
    this.#home.failCaller(this.term, reason, this.#server);
  }
}

/** What is needed to answer a caller by its term. */
export interface FromHome {
  reply(from: Tuple<[Pid, Term]>, value: Encodable, server?: Process): void;
  failCaller(from: Tuple<[Pid, Term]>, reason: Term, server?: Process): void;
}

/** What a request asks for: a name with arguments, as the typed tables have it, or any term. */
export type Request =
  | { readonly name: string; readonly args: readonly unknown[] }
  | { readonly name: null; readonly term: Encodable };

/**
 * The request as a term: the atom `name`, or `{name, Arg, ...}` where there are arguments. Those at the end that are `undefined`
 * were left out.
 */
export function requestTerm(request: Request): Encodable {
  if (request.name === null) return request.term;
  const { args } = request;
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  const name = nameTerm(request.name);
  return length === 0 ? name : tuple(name, ...args.slice(0, length) as Encodable[]) as Encodable;
}

/** The atom of that name, three of which are JavaScript values. */
function nameTerm(name: string): Atom | boolean | null {
  return name === "nil" ? null : name === "true" ? true : name === "false" ? false : atom(name);
}

/** What a call needs of its node. */
export interface CallHome {
  makeRef(): Ref;
  /** Replies to this reference go to the call. */
  addReplyTo(ref: Ref, call: Call): void;
  removeReplyTo(ref: Ref): void;
  clearDeadline(deadline: Deadline): void;
  setDeadline(deadline: Deadline, ms: number): void;
}

/** Where a call went, so that it can be taken back there. */
export interface CallPlace {
  /** The call is over: nobody needs to watch over it any more. */
  callEnded(call: Call): void;
}

// How the constructor gets at the functions of its promise without making a function of its own for each call.
let resolveMade: (value: unknown) => void;
let rejectMade: (error: unknown) => void;
function keepFunctions(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  resolveMade = resolve;
  rejectMade = reject;
}

/** One outstanding call of this node, to a process of this node or of another one. */
export class Call extends Deadline implements From, Watcher, Undelivered {
  readonly pid: Pid;
  readonly request: Request;
  readonly promise: Promise<unknown>;
  /** Whether its tag is the reference alone, to which no alias leads. */
  plainTag = false;
  /** Set where somebody has to be told of the call's end. */
  place: CallPlace | null = null;
  #home: CallHome;
  #address: Address;
  #options: CallOptions;
  #ref: Ref | null = null;
  #done = false;
  #resolve: (value: unknown) => void;
  #reject: (error: unknown) => void;

  constructor(home: CallHome, pid: Pid, address: Address, request: Request, options: CallOptions) {
    super();
    this.#home = home;
    this.pid = pid;
    this.#address = address;
    this.request = request;
    this.#options = options;
    this.promise = new Promise(keepFunctions);
    this.#resolve = resolveMade;
    this.#reject = rejectMade;
    if (options === DEFAULTS) {
      home.setDeadline(this, CALL_TIMEOUT);
      return;
    }
    if (typeof options !== "object" || options === null) {
      return this.#refused(new TypeError("Cannot make a call: its options must be an object"));
    }
    const { timeout = CALL_TIMEOUT, signal } = options;
    if (typeof timeout !== "number" || !(timeout >= 0)) {
      return this.#refused(
        new RangeError(`Cannot wait ${String(timeout)} ms for a reply: 0 or more is needed`),
      );
    }
    if (signal !== undefined) {
      if (signal.aborted) return this.#refused(signal.reason);
      signal.addEventListener("abort", this);
    }
    home.setDeadline(this, timeout);
  }

  /** What is called, for messages. */
  get target(): string {
    return describe(this.#address);
  }

  /** Whether the caller has its answer, or waits no longer. */
  get done(): boolean {
    return this.#done;
  }

  /** The reference of the call, as its monitor and as the alias that the reply goes to. */
  get ref(): Ref {
    if (this.#ref === null) {
      this.#ref = this.#home.makeRef();
      if (!this.#done) this.#home.addReplyTo(this.#ref, this);
    }
    return this.#ref;
  }

  get term(): Tuple<[Pid, Term]> {
    return tuple(this.pid, this.plainTag ? this.ref : new ImproperList([ALIAS], this.ref) as Term);
  }

  /** The message as any process would get it: `{'$gen_call', From, Request}`. */
  message(request: Encodable = requestTerm(this.request)): Tuple {
    return tuple(GEN_CALL, this.term, request) as unknown as Tuple;
  }

  /** A reply came back as a message to the call's alias: `{Tag, Reply}`. */
  deliver(message: unknown): void {
    if (isTuple(message) && message.length === 2) this.reply(message[1]);
  }

  reply(value: unknown): void {
    if (this.#end()) this.#resolve(value === undefined ? null : value);
  }

  refuse(reason: Term): void {
    this.fail(new ExitError(reason));
  }

  fail(error: unknown): void {
    if (!this.#end()) return;
    if (error instanceof ProcessError) error._call = this.#failure();
    this.#reject(error);
  }

  /** What the exit reason of a caller says that does not catch the failure, and the timeout if one was given. */
  #failure(): Term {
    const { timeout } = this.#options;
    return this._failed(
      addressTerm(this.#address),
      timeout === undefined ? NO_TIMEOUT : [timeout === Infinity ? INFINITY : timeout],
    );
  }

  /** How OTP names a call that has failed: `{gen_server, call, [Target, Request]}`. */
  _failed(target: Term, timeout: readonly Term[]): Term {
    const args = [target, requestTerm(this.request), ...timeout];
    return tuple(GEN_SERVER, CALL, args) as unknown as Term;
  }

  /** What a monitor of the callee says: it has ended, was not there, or its node is gone. */
  down(reason: Term, cause?: Error): void {
    if (this.#done) return;
    if (reason === NOPROC) {
      this.fail(new NoProcessError(this.target, elixirHint(this.target)));
    } else if (reason === NOCONNECTION) {
      this.fail(new NodeDownError(nodeOf(this.#address), { cause }));
    } else {
      this.fail(new ExitError(reason));
    }
  }

  /** The process of this node that was called has ended, whose reason may be `noproc` as any other. */
  undelivered(reason: Term): void {
    if (!this.#done) this.fail(new ExitError(reason));
  }

  override expired(): void {
    this.fail(new CallTimeoutError(this.target, this.#options.timeout ?? CALL_TIMEOUT));
  }

  /** The caller's signal has aborted. */
  handleEvent(): void {
    this.fail(this.#options.signal!.reason);
  }

  #refused(error: unknown): this {
    this.#done = true;
    this.#reject(error);
    return this;
  }

  #end(): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#home.clearDeadline(this);
    this.#options.signal?.removeEventListener("abort", this);
    if (this.#ref !== null) this.#home.removeReplyTo(this.#ref);
    if (this.place !== null) {
      this.place.callEnded(this);
      this.place = null;
    }
    return true;
  }
}

/** A request that nobody waits for, to a process of this node. */
export class Cast {
  readonly request: Request;

  constructor(request: Request) {
    this.request = request;
  }

  message(): Tuple {
    return tuple(GEN_CAST, requestTerm(this.request)) as unknown as Tuple;
  }
}

/**
 * Where a reply to `{Pid, Tag}` must be sent. Since OTP 24 callers wait on an alias: where the tag, or its head, is
 * `[alias | Ref]`, the reply goes to the alias `Ref` (gen.erl, reply/2); every other tag is opaque.
 */
export function replyAddress(from: Tuple<[Pid, Term]>): Pid | Ref {
  if (!isTuple(from) || from.length !== 2 || !(from[0] instanceof PidClass)) {
    throw new TypeError("Cannot reply: the {Pid, Tag} that came with the request is needed first");
  }
  const tag = from[1];
  const head = tag instanceof ImproperList
    ? tag.elements[0]
    : isList(tag) && tag.length > 0
    ? tag[0]
    : null;
  return aliasOf(tag) ?? aliasOf(head) ?? from[0];
}

/** The reference of a call's tag, which is also the caller's monitor; `null` where the tag has none. */
export function tagRef(tag: Term): Ref | null {
  return tag instanceof RefClass ? tag : aliasOf(tag);
}

/**
 * The caller's monitor, as far as its tag says: in `[[alias | Ref] | Monitor]`, which `gen_server:multi_call` sends from OTP 26 on, the
 * alias is another reference.
 */
export function monitorRef(tag: Term): Ref | null {
  const isBoth = tag instanceof ImproperList && tag.tail instanceof RefClass &&
    tag.elements.length === 1 && aliasOf(tag.elements[0]) !== null;
  return isBoth ? tag.tail as Ref : tagRef(tag);
}

/** Whether the tag is `{Ref, Node}`, as `gen_server:multi_call` sends it up to OTP 25: it names no monitor, though there is one. */
export function isMultiCall(tag: Term, node: Atom): boolean {
  return isTuple(tag) && tag.length === 2 && tag[0] instanceof RefClass && tag[1] === node;
}

/** The reference in a message that may be the reply to a call, `{Tag, Reply}`, or of an io server; `null` where it is neither. */
export function replyRef(message: unknown): Ref | null {
  if (!isTuple(message)) return null;
  if (message.length === 2) return tagRef(message[0]);
  const isReply = message.length === 3 && message[0] === IO_REPLY && message[1] instanceof RefClass;
  return isReply ? message[1] as Ref : null;
}

function aliasOf(term: Term): Ref | null {
  if (!(term instanceof ImproperList) || term.elements.length !== 1) return null;
  return term.elements[0] === ALIAS && term.tail instanceof RefClass ? term.tail : null;
}

/** What may be wrong with a name, or a `module:function`, that looks like one of an Elixir module. */
export function elixirHint(target: string): string {
  const name = /^(?!Elixir\.)([A-Z][\w.]*)(?:[ :]|$)/.exec(target)?.[1];
  return name === undefined ? "" : `; an Elixir module is registered as Elixir.${name}`;
}
