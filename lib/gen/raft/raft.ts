import { decode } from "../../etf/decoder.ts";
import { SchemaError } from "../../etf/schema/errors.ts";
import { format } from "../../etf/format.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isThenable } from "../../_util/thenable.ts";
import { Call, type From, type Request } from "../../node/call.ts";
import type { Node } from "../../node/node.ts";
import { Turn } from "../../node/process/turn.ts";
import { Events } from "../../node/remote/events.ts";
import { GenServer } from "../server/gen_server.ts";
import type { AnyHandler } from "../server/handlers.ts";
import {
  argsIn,
  argumentsText,
  badRequest,
  functionOf,
  nameIn,
  own,
  parseArgs,
  unknownText,
} from "../server/requests.ts";
import { Carrier, type CarrierHost, isRaftMessage } from "./_carrier.ts";
import { NOBODY, nodeOfMember } from "./_members.ts";
import { recover } from "./_records.ts";
import { answerRaft, isRaftRequest, type Served } from "./_requests.ts";
import type { Entry, Members } from "./_types.ts";
import { checkRaftOptions, type RaftOptions } from "./raft_options.ts";
import { partsOf, RaftRef } from "./raft_ref.ts";
import type { RaftEvent, RaftStatus } from "./raft_status.ts";
import { memoryStorage } from "./storage.ts";

/** The two tables of a class. */
type Kind = "commands" | "queries";

/**
 * A state that several nodes have, of which a minority may fail: every command is carried out on every member, in the same order, by the
 * Raft protocol. Its commands and queries are tables, as the calls of a {@linkcode GenServer}, which it is as well.
 *
 * | a client does | what runs | where |
 * | --- | --- | --- |
 * | `ref.append("deposit", "ann", 5)` | `commands.deposit("ann", 5)` | on every member, when a majority has it in its storage |
 * | `ref.read("balance", "ann")` | `queries.balance("ann")` | on the leader, when a majority has said that it still is |
 * | `ref.readLocal("balance", "ann")` | the same | on this member, now, which may be out of date |
 * | nothing | `snapshot()`, `restore(state)` | now and then, in the place of old commands; where a member is new or late |
 * | nothing | `handleLeader(node)`, `handleMembers(members)` | where that has changed |
 *
 * - One member for each node, all registered under the same name: `node.start(Bank, [options], { register: "bank" })`. Its first start waits for nobody;
 *   what is appended waits until there is a leader.
 * - A command has happened when `append` has resolved: then it is in the storage of a majority, and stays. It happens once, however often it had to be sent. Where it
 *   is not known, the error says so.
 * - Handlers of commands must do the same on every member: nothing from outside of their arguments and the state, no time, no chance, no promise: with one that is
 *   an async function no member starts. Who sends the command gets what they return; what they throw, too, so check before you change: what was changed stays.
 * - A state of which `snapshot()` gives no term, as one with `NaN`, is told to the log, and the member lives on with all its commands; it tries again
 *   `snapshotEvery` entries later.
 * - Handlers of queries must not change anything.
 * - Reads and appends are linearizable: as if there was one member. While fewer than a majority can reach each other neither is possible.
 * - A message between members is `{'$raft', Group, From, To, Message}`; from Erlang `gen_server:call(bank, {'$raft_append', {deposit, <<"ann">>, 5}})` gives `{ok, Reply}` or
 *   `{error, Reason}`, `{'$raft_read', {balance, <<"ann">>}}` likewise; `{error, {not_leader, Node}}` tells whom to ask. Ergo's Raft has neither terms nor majorities in
 *   its messages, and cannot be a member.
 *
 * @example
 * ```ts
 * import { type Encodable, on, Raft, startNode, t, type Term } from "@ergo-ts/ergo";
 *
 * class Bank extends Raft {
 *   #accounts = new Map<string, number>();
 *   override readonly commands = {
 *     deposit: on(t.text, t.integer, (name, amount) => {
 *       const balance = (this.#accounts.get(name) ?? 0) + amount;
 *       this.#accounts.set(name, balance);
 *       return balance;
 *     }),
 *   };
 *   override readonly queries = { balance: on(t.text, (name) => this.#accounts.get(name) ?? 0) };
 *   override snapshot(): Encodable {
 *     return this.#accounts;
 *   }
 *   override restore(state: Term): void {
 *     this.#accounts = t.map(t.text, t.integer).parse(state);
 *   }
 * }
 *
 * await using node = await startNode("a@localhost", { cookie: "secret" });
 * const bank = await node.start(Bank, [{ members: ["a@localhost"] }], { register: "bank" });
 * await bank.append("deposit", "ann", 5); // 5
 * await bank.read("balance", "ann"); //      5
 * ```
 *
 * Not for data that does not fit into the memory of each member, and not for what may be lost: each command costs a round between nodes and a write to
 * a disk. For a map that is replicated take {@linkcode RaftMap}.
 */
export abstract class Raft extends GenServer {
  /** @ignore @internal */
  declare readonly _refType: RaftRef<this>;
  /** What changes the state, by name. */
  declare readonly commands: Record<never, never>;
  /** What can be asked about the state, by name. */
  declare readonly queries: Record<never, never>;
  #carrier: Carrier | null = null;
  #served: Served | null = null;
  #isClosed = false;
  readonly #changes: Events<RaftEvent> = new Events();
  #leader: string | null = null;
  #term = 0;
  #members: Members = NOBODY;

  /** What the member is like: by default what was given to `node.start`. */
  override init(options: RaftOptions): RaftOptions | Promise<RaftOptions> {
    return options;
  }

  /** The state, as a term, from which `restore` makes the same again on another member. */
  abstract snapshot(): Encodable;

  /** Puts what `snapshot` has given in the place of the state. */
  abstract restore(state: Term): void;

  /** Another member leads, or nobody that this one knows of. It is told of its own election when it may serve. */
  handleLeader(_node: string | null): void {}

  /** Others are members than before. */
  handleMembers(_members: RaftStatus["members"]): void {}

  /** @ignore @internal */
  override _initialized(options: unknown): Promise<void> {
    const checked = checkRaftOptions(options as RaftOptions);
    const { storage = memoryStorage() } = options as RaftOptions;
    if (this._process.name === null) {
      throw new Error(
        `Cannot start ${this.constructor.name}: a member of a Raft needs the name of its group, { register: "name" }, by which the others find it`,
      );
    }
    this.#checkCommands();
    this._process.asksOrigin = true;
    const { platform } = this._core;
    const context = { files: () => platform.files(), warn: (text: string) => this.#warn(text) };
    return Promise.resolve(storage.open(context)).then((records) => {
      if (this._process.exited) return storage.close?.();
      try {
        this.#carrier = new Carrier(this.#host(), storage, checked, this, recover(records));
      } catch (error) {
        const failed = (): never => {
          throw error;
        };
        return Promise.resolve(storage.close?.()).then(failed, failed);
      }
      this.#carrier.pump();
      this.every(Math.max(1, checked.heartbeat / 2), () => this.#carrier!.tick());
      this.after(0, () => this.#carrier!.tick());
    });
  }

  /** @ignore @internal */
  _ended(): void {
    this.#isClosed = true;
    this.#changes.close();
    const closed = this.#carrier?.end();
    if (closed !== undefined) {
      this.node._outlives(
        closed.catch((error) => this._core.fault("Cannot close a storage", error)),
      );
    }
  }

  /** @ignore @internal */
  override _reference(node: Node, pid: Pid): RaftRef<this> {
    return new RaftRef<this>(node, pid, node._core.main, {}, partsOf(node, this));
  }

  /** @ignore @internal */
  override _called(from: From, request: Request): unknown {
    const term = request.name === null ? request.term as Term : null;
    if (!isRaftRequest(term)) return super._called(from, request);
    if (from instanceof Call) this._process.keepCall(from);
    return answerRaft(this.#served ??= this.#serve(), term, from);
  }

  /** @ignore @internal */
  override _informed(message: Term): unknown {
    if (!isRaftMessage(message)) return super._informed(message);
    return this.#carrier?.received(message, this._process.origin);
  }

  // The machine

  /** @ignore @internal */
  apply(command: Term, _serial: number): Encodable {
    const result = this.#run("commands", command);
    if (isThenable(result)) {
      Promise.resolve(result).then(undefined, () => {}); // nobody waits for it
      throw new TypeError(
        `Cannot carry out ${
          format(command, { maxLength: 100 })
        }: its handler has returned a promise, which takes its own time on every member; do it before the command`,
      );
    }
    return (result ?? null) as Encodable;
  }

  /** @ignore @internal Why a request cannot be one of that table; `null` where it can. */
  _refusal(kind: Kind, term: Term): Term | null {
    const name = nameIn(term);
    const table = this[kind] as object | undefined;
    const args = argsIn(term);
    const server = this.constructor.name;
    const refused = { kind: "call", server, name, count: args.length } as const;
    const handler = own(table, name);
    if (handler === undefined) {
      const other = kind === "commands" ? this.queries : this.commands;
      const hint = own(other as object | undefined, name) === undefined
        ? ""
        : kind === "commands"
        ? " (it is a query: read it)"
        : " (it is a command: append it)";
      return badRequest([], unknownText(refused, table, undefined) + hint);
    }
    try {
      parseArgs(handler, name, args, false);
      return null;
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      return badRequest(error.path, argumentsText(refused, handler, error));
    }
  }

  /** @ignore @internal */
  _query(term: Term): unknown {
    return this.#run("queries", term);
  }

  /** @ignore @internal */
  get _status(): RaftStatus {
    const carrier = this.#carrier;
    if (carrier === null) return NO_STATUS;
    const { replica, serial } = carrier;
    const nodes = (ids: readonly string[]): string[] => ids.map(nodeOfMember).sort();
    const { voters, learners, rising } = replica.members;
    return {
      role: replica.role,
      leader: replica.leader === null ? null : nodeOfMember(replica.leader),
      term: replica.term,
      serial,
      members: { voters: nodes(voters), learners: nodes([...learners, ...rising]) },
    };
  }

  /** @ignore @internal */
  get _leader(): string | null {
    const id = this.#carrier?.replica.leader;
    return id == null ? null : nodeOfMember(id);
  }

  /** @ignore @internal Whether it was a member and is none any more. */
  get _isRemoved(): boolean {
    return this.#carrier?.isRemoved === true;
  }

  /** @ignore @internal */
  _entry(serial: number): Encodable | undefined {
    const entry = this.#carrier?.replica.log.get(serial);
    if (entry === undefined || serial > this.#carrier!.serial) return undefined;
    return entry.payload.type === "command" ? entry.payload.bytes : null;
  }

  /** @ignore @internal */
  _events(signal?: AbortSignal): AsyncIterableIterator<RaftEvent> {
    return this.#changes.listen(signal);
  }

  /** What they do would come later, at another time on every member. */
  #checkCommands(): void {
    for (const [name, handler] of Object.entries(this.commands ?? {})) {
      const kind = Object.prototype.toString.call(functionOf(handler as AnyHandler));
      if (!/Async|Generator/.test(kind)) continue;
      throw new TypeError(
        `Cannot start ${this.constructor.name}: the handler of its command ${name} is async or a generator, which takes its own time on every member; do that before the command, and give it what has come of it`,
      );
    }
  }

  #run(kind: Kind, term: Term): unknown {
    const name = nameIn(term);
    const handler = own(this[kind] as object | undefined, name);
    // A program of another version may have sent it: it is the same for all that do not know it.
    if (handler === undefined) {
      throw new Error(`${this.constructor.name} has no ${kind} named ${name}`);
    }
    const args = parseArgs(handler, name, argsIn(term), false);
    return functionOf(handler).apply(this, args as never[]);
  }

  #serve(): Served {
    return {
      carrier: this.#carrier!,
      leader: () => this._leader,
      status: () => this._status,
      refusal: (kind, term) => this._refusal(kind, term),
      query: (term) => this._query(term),
    };
  }

  #host(): CarrierHost {
    const { _core: core, _process: process } = this;
    const { platform } = core;
    const { name } = process;
    const random = (): number =>
      new DataView(platform.randomBytes(4).buffer).getUint32(0) / 2 ** 32;
    return {
      nodeName: core.name.name,
      now: () => platform.now(),
      random,
      identity: () =>
        Array.from(platform.randomBytes(8), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      send: (node, message) => {
        try {
          core.send(process, { name: name!, node }, message);
        } catch (error) {
          if (!process.exited) this.#unsent(error);
        }
      },
      inTurn: (fn) => process.deliver(new InTurn(fn)),
      failed: (error) => process.crash(error),
      warn: (text) => this.#warn(text),
      error: (text) => this.#warn(text, "error"),
      applied: (entry) => this.#applied(entry),
      restored: () => this.#emit({ type: "restored", serial: this.#carrier?.serial ?? 0 }),
      changed: () => this.#changed(),
    };
  }

  /** The other side takes nothing more for a while: it is sent again. */
  #unsent(error: unknown): void {
    const isBusy = error instanceof Error && error.name === "BusyError";
    if (!isBusy) throw error;
  }

  #applied({ index, payload }: Entry): void {
    if (payload.type !== "command") return;
    this.#emit({ type: "applied", serial: index, command: () => decode(payload.bytes, TEXTS) });
  }

  /** Asked after each step, so it looks at as little as it can. */
  #changed(): void {
    const { replica } = this.#carrier!;
    const { leading, term, members } = replica;
    const id = leading !== null && !leading.isSettled ? null : replica.leader;
    if (id !== this.#leader || id !== null && term !== this.#term) {
      const isOther = id !== this.#leader;
      [this.#leader, this.#term] = [id, term];
      const leader = id === null ? null : nodeOfMember(id);
      this.#emit({ type: "leader", leader, term });
      if (isOther) this.handleLeader(leader);
    }
    if (members === this.#members) return;
    this.#members = members;
    const named = this._status.members;
    this.#emit({ type: "members", ...named });
    this.handleMembers(named);
  }

  #emit(event: RaftEvent): void {
    if (!this.#isClosed) this.#changes.emit(event);
  }

  #warn(text: string, level: "warning" | "error" = "warning"): void {
    const who = `${this.constructor.name} ${this._process.name ?? format(this.pid)}`;
    this._core.logger._log(level, `${who}: ${text}`, this._process);
  }
}

const TEXTS = { binaries: "text" } as const;

const NO_STATUS: RaftStatus = {
  role: "follower",
  leader: null,
  term: 0,
  serial: 0,
  members: { voters: [], learners: [] },
};

/** Something that runs in the process when its turn comes. */
class InTurn extends Turn {
  readonly #fn: () => void;

  constructor(fn: () => void) {
    super();
    this.#fn = fn;
  }

  run(): void {
    this.#fn();
  }
}
