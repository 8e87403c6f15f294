import { checkFields } from "../../_util/fields.ts";
import { atom } from "../../etf/atom.ts";
import { decode } from "../../etf/decoder.ts";
import { encode } from "../../etf/encoder.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import { CALL_TIMEOUT, type CallOptions, checkCallOptions, requestTerm } from "../../node/call.ts";
import { selfOf } from "../../node/caller.ts";
import type { Node } from "../../node/node.ts";
import type { ProcessContext } from "../../node/process/context.ts";
import type { Process } from "../../node/process/process.ts";
import { type ArgsOf, Handler, type ReplyOf } from "../server/handlers.ts";
import { own } from "../server/requests.ts";
import { ServerRef } from "../server/server_ref.ts";
import { Client } from "./_client.ts";
import { majority } from "./_members.ts";
import { ADD, LOCAL, QUERY, READY, REMOVE, TRANSFER } from "./_requests.ts";
import type { Raft } from "./raft.ts";
import type { RaftEvent, RaftStatus } from "./raft_status.ts";

/** The table of commands of a class. */
export type CommandsOf<S> = S extends { readonly commands: infer C } ? C : Record<never, never>;
/** The table of queries of a class. */
export type QueriesOf<S> = S extends { readonly queries: infer Q } ? Q : Record<never, never>;

const TEXTS = { binaries: "text" } as const;

/** What a reference has of its member. */
export interface RaftParts {
  readonly member: Raft;
  readonly client: Client;
}

/** @internal */
export function partsOf(node: Node, member: Raft): RaftParts {
  const client = new Client(node, {
    name: member._process.name!,
    nearest: () => node.name,
    leader: () => member._leader,
    isRemoved: () => member._isRemoved,
  });
  return { member, client };
}

/**
 * A reference to the member of a {@linkcode Raft} on this node, by which the group is asked: whoever leads it.
 *
 * It keeps a session with the group, by which a request that had to be sent twice is known again: keep the reference, do not make one for each request.
 *
 * Commands, queries and replies go through the log as terms: strings arrive as strings, maps as maps with structural keys, binaries that are text as
 * strings as well.
 */
export class RaftRef<S> extends ServerRef<S> {
  readonly #node: Node;
  readonly #pid: Pid;
  readonly #from: Process;
  readonly #options: CallOptions;
  readonly #parts: RaftParts;

  /** @ignore @internal */
  constructor(node: Node, pid: Pid, from: Process, options: CallOptions, parts: RaftParts) {
    super(node, pid, from, options);
    this.#node = node;
    this.#pid = pid;
    this.#from = from;
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Has a command carried out on every member.
   *
   * - Resolves with what its handler returns, when a majority has the command in its storage and the leader has carried it out.
   * - It happens at most once: where a leader is lost, it is sent to the next one, as the same.
   * - Several that are not awaited may be carried out in another order.
   *
   * @throws {RaftError} if the handler has thrown, or returned what is no term (`failed`): what it had changed by then stays changed on every member; or if there
   * is no answer within the timeout of this reference (5,000 milliseconds unless told otherwise). `mayHaveHappened` says whether it may have been carried out.
   * @throws {ExitError} if there is no such command, or its arguments do not parse: `{bad_request, Path, Message}`.
   */
  append<N extends keyof CommandsOf<S> & string>(
    name: N,
    ...args: ArgsOf<CommandsOf<S>[N]>
  ): Promise<ReplyOf<CommandsOf<S>[N]>> {
    return this._append(name, args as readonly unknown[]) as Promise<ReplyOf<CommandsOf<S>[N]>>;
  }

  /** @ignore @internal */
  async _append(name: string, args: readonly unknown[]): Promise<unknown> {
    const term = this.#write("commands", name, args);
    return await this.#parts.client.append(this.#from, term, this.#timeout);
  }

  /**
   * Asks the leader, which has seen everything that was carried out before: linearizable. It costs a round of messages, shared by those that ask at
   * the same time, and no write.
   *
   * @throws {RaftError} if the handler has thrown (`failed`), or there is no leader within the timeout.
   */
  read<N extends keyof QueriesOf<S> & string>(
    name: N,
    ...args: ArgsOf<QueriesOf<S>[N]>
  ): Promise<ReplyOf<QueriesOf<S>[N]>> {
    return this._read(name, args as readonly unknown[]) as Promise<ReplyOf<QueriesOf<S>[N]>>;
  }

  /** @ignore @internal */
  async _read(name: string, args: readonly unknown[], local = false): Promise<unknown> {
    const bytes = encode(this.#write("queries", name, args));
    const { client } = this.#parts;
    return local
      ? await client.direct(this.#from, tuple(LOCAL, bytes) as Encodable, this.#timeout)
      : await client.repeat(this.#from, tuple(QUERY, bytes) as Encodable, this.#timeout);
  }

  /** Asks the member of this node, as it is: at once, also without a majority, and perhaps out of date. */
  readLocal<N extends keyof QueriesOf<S> & string>(
    name: N,
    ...args: ArgsOf<QueriesOf<S>[N]>
  ): Promise<ReplyOf<QueriesOf<S>[N]>> {
    const reply = this._read(name, args as readonly unknown[], true);
    return reply as Promise<ReplyOf<QueriesOf<S>[N]>>;
  }

  /** What the member of this node knows. */
  get status(): RaftStatus {
    return this.#parts.member._status;
  }

  /** The node that leads, as far as the member of this node knows; `null` where there is none. */
  leader(): string | null {
    return this.status.leader;
  }

  /** Up to which entry of the log the state of this member is. */
  serial(): number {
    return this.status.serial;
  }

  /** The nodes of the other members. */
  peers(): string[] {
    const { voters, learners } = this.status.members;
    return [...voters, ...learners].filter((name) => name !== this.#node.name);
  }

  /** The voters, how many of them have to agree, and whether they do, as far as the member of this node knows: there is a leader. */
  quorum(): { readonly voters: readonly string[]; readonly needed: number; readonly has: boolean } {
    const { members: { voters }, leader } = this.status;
    return { voters, needed: majority(voters.length), has: leader !== null };
  }

  /**
   * The command of an entry, from the log of this member.
   *
   * @returns its term, where binaries that are text are strings; `null` where the entry is none of a command, `undefined` where it is not carried out yet,
   * or a snapshot has taken its place.
   */
  getEntry(serial: number): Term | null | undefined {
    const bytes = this.#parts.member._entry(checkSerial(serial));
    return bytes === undefined || bytes === null ? bytes : decode(bytes as Uint8Array, TEXTS);
  }

  /** What happens from now on, until the loop is left, the signal aborts or the member ends. Unread events are kept for the reader. */
  changes(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<RaftEvent> {
    checkFields("look at the changes of a Raft", options, { signal: true });
    return this.#parts.member._events(options.signal);
  }

  /** Waits until there is a leader that serves. @throws {RaftError} if there is none within the timeout. */
  async ready(): Promise<string> {
    const end = this.#node._core.platform.now() + this.#timeout;
    const request = tuple(QUERY, encode(READY)) as Encodable;
    for (;;) {
      const left = end - this.#node._core.platform.now();
      await this.#parts.client.repeat(this.#from, request, Math.max(1, left));
      const leader = this.leader();
      if (leader !== null) return leader;
      await this.#node.sleep(10);
    }
  }

  /**
   * Takes a member in. It follows first; as a voter it votes when it has caught up.
   *
   * @param node where a member of that name runs that belongs to no group.
   * @param options `as`: `"learner"` never votes. Default "voter". A learner that is added as a voter becomes one.
   * @throws {RaftError} if it is one already or there are eleven voters (`bad_change`), or it does not answer in time.
   */
  async addMember(
    node: string,
    options: { readonly as?: "voter" | "learner" } = {},
  ): Promise<void> {
    checkFields("add a member", options, { as: true });
    const { as = "voter" } = options;
    if (as !== "voter" && as !== "learner") {
      throw new TypeError(
        `Cannot add a member as ${String(as)}: option as is "voter" or "learner"`,
      );
    }
    await this.#change(tuple(ADD, nodeAtom(node, "add a member"), atom(as)) as Encodable);
  }

  /**
   * Lets a member go; where it leads, another one is elected. Stop it then: its reference is refused (`removed`).
   *
   * @throws {RaftError} if it is none, or the last voter (`bad_change`).
   */
  async removeMember(node: string): Promise<void> {
    await this.#change(tuple(REMOVE, nodeAtom(node, "remove a member")) as Encodable);
  }

  /**
   * Has another voter elected, as soon as it has all. Resolves when that is under way; {@linkcode RaftRef.changes} tells when it is done.
   *
   * @throws {RaftError} if it leads already, or is no voter (`bad_change`).
   */
  async transfer(node: string): Promise<void> {
    await this.#change(tuple(TRANSFER, nodeAtom(node, "transfer leadership")) as Encodable);
  }

  /** The same reference with other options: `timeout` counts for everything that the group is asked. */
  override with(options: CallOptions): this {
    checkCallOptions(options);
    return this.#copy(this.#from, { ...this.#options, ...options });
  }

  /** The same reference for use in a process. */
  override as(caller: ProcessContext): this {
    selfOf(caller, "call in the name of a process", "ref.as(this)");
    return this.#copy(caller._process, this.#options);
  }

  /** @ignore @internal */
  get _member(): Raft {
    return this.#parts.member;
  }

  #copy(from: Process, options: CallOptions): this {
    const Ref = this.constructor as new (...args: unknown[]) => this;
    return new Ref(this.#node, this.#pid, from, options, this.#parts);
  }

  #change(request: Encodable): Promise<void> {
    return this.#parts.client.once(this.#from, request, this.#timeout);
  }

  get #timeout(): number {
    return this.#options.timeout ?? CALL_TIMEOUT;
  }

  /** As the schemas of the handler say. */
  #write(kind: "commands" | "queries", name: string, args: readonly unknown[]): Encodable {
    if (typeof name !== "string") {
      throw new TypeError(
        `Cannot ask a Raft: the name of one of its ${kind} is needed, ${typeof name} came`,
      );
    }
    const handler = own(this.#parts.member[kind] as object | undefined, name);
    const written = handler instanceof Handler ? handler.write(args) : args;
    return requestTerm({ name, args: written });
  }
}

function nodeAtom(node: unknown, what: string): Encodable {
  if (typeof node === "string" && node.includes("@")) return atom(node);
  throw new TypeError(`Cannot ${what}: the name of a node is needed, as app@localhost`);
}

function checkSerial(serial: unknown): number {
  if (typeof serial === "number" && Number.isSafeInteger(serial) && serial > 0) return serial;
  throw new RangeError("Cannot get an entry: its serial is needed, a whole number from 1 on");
}
