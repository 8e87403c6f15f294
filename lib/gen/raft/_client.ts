import { Atom, atom } from "../../etf/atom.ts";
import { decode } from "../../etf/decoder.ts";
import { encode } from "../../etf/encoder.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { CallTimeoutError, NodeDownError, NoProcessError } from "../../node/errors.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import { APPEND, EXPIRED, FAILED, NOT_LEADER, OK, OPEN, TRANSFER } from "./_requests.ts";
import { RaftError } from "./raft_error.ts";

/** Milliseconds until it is looked for a leader again. */
const PAUSE = 25;
const TEXTS = { binaries: "text" } as const;

/** The group as a client finds it. */
export interface Group {
  /** The name of all members. */
  readonly name: string;
  /** Whom to ask first, and where nobody knows better. */
  nearest(): string;
  /** Who leads, as far as the nearest member knows. */
  leader(): string | null;
  /** Whether the nearest member is none any more. */
  isRemoved(): boolean;
}

/** What came of a request: something, or why not. */
type Reply = { readonly type: "ok"; readonly value: Term } | { readonly type: "expired" };

/**
 * Asks the leader, whoever it is, until it has answered: with a session, by which the members know a request again that had to be sent twice.
 */
export class Client {
  readonly #node: Node;
  readonly #group: Group;
  #session: Promise<number> | null = null;
  #serial = 0;
  /** Requests without a reply. */
  readonly #open: Set<number> = new Set();

  constructor(node: Node, group: Group) {
    this.#node = node;
    this.#group = group;
  }

  async append(from: Process, command: Encodable, timeout: number): Promise<unknown> {
    const bytes = encode(command);
    const end = this.#now + timeout;
    for (;;) {
      const session = await this.#sessionUntil(from, end);
      const serial = ++this.#serial;
      this.#open.add(serial);
      try {
        const request = (): Encodable =>
          tuple(APPEND, session, serial, this.#done, bytes) as Encodable;
        const { reply, attempts } = await this.#ask(from, request, end, true);
        if (reply.type === "ok") return decode(reply.value as unknown as Uint8Array, TEXTS);
        // The group has forgotten this client, or is another one.
        this.#session = null;
        if (attempts > 1) throw timedOut(timeout, true);
      } finally {
        this.#open.delete(serial);
      }
    }
  }

  /** Something that may be asked twice. */
  async repeat(from: Process, request: Encodable, timeout: number): Promise<unknown> {
    const { reply } = await this.#ask(from, () => request, this.#now + timeout, true);
    return reply.type === "ok" ? decode(reply.value as unknown as Uint8Array, TEXTS) : undefined;
  }

  /** Something that must not be. */
  async once(from: Process, request: Encodable, timeout: number): Promise<void> {
    await this.#ask(from, () => request, this.#now + timeout, false);
  }

  /** One request of one member. */
  async direct(from: Process, request: Encodable, timeout: number): Promise<unknown> {
    const answer = await this.#call(from, this.#group.nearest(), request, timeout);
    if (!isTuple(answer) || answer[0] !== OK) throw refusal(request, answer, false);
    return decode(answer[1] as unknown as Uint8Array, TEXTS);
  }

  get #now(): number {
    return this.#node._core.platform.now();
  }

  /** Up to here every request has its reply. */
  get #done(): number {
    let least = this.#serial + 1;
    for (const serial of this.#open) least = Math.min(least, serial);
    return least - 1;
  }

  #sessionUntil(from: Process, end: number): Promise<number> {
    if (this.#session !== null) return this.#session;
    const bytes = this.#node._core.platform.randomBytes(6);
    const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0) + 1;
    const request = tuple(OPEN, number) as Encodable;
    const session = this.#ask(from, () => request, end, true).then(() => number);
    this.#session = session;
    session.catch(() => {
      if (this.#session === session) this.#session = null;
    });
    return session;
  }

  /** @param again whether it may be sent again where it may have arrived. */
  async #ask(
    from: Process,
    request: () => Encodable,
    end: number,
    again: boolean,
  ): Promise<{ reply: Reply; attempts: number }> {
    const begun = this.#now;
    let hint: string | null = null;
    let attempts = 0;
    /** It may have happened. */
    let isSent = false;
    let isFull = false;
    for (;;) {
      const left = end - this.#now;
      if (left <= 0) throw isFull && !isSent ? overloaded() : timedOut(end - begun, isSent);
      const node: string = hint ?? this.#group.leader() ?? this.#group.nearest();
      hint = null;
      attempts++;
      try {
        const answer = await this.#call(
          from,
          node,
          request(),
          again ? Math.min(left, Math.max(500, left / 3)) : left,
        );
        if (answer === OK) return { reply: { type: "ok", value: null }, attempts };
        if (isTuple(answer) && answer[0] === OK) {
          return { reply: { type: "ok", value: answer[1] as Term }, attempts };
        }
        const why = isTuple(answer) ? answer[1] : null;
        if (why === EXPIRED) return { reply: { type: "expired" }, attempts: isSent ? 2 : 1 };
        if (isTuple(why) && why[0] === NOT_LEADER) {
          hint = why[1] instanceof Atom && why[1].name.includes("@") ? why[1].name : null;
          if (hint !== null && hint !== node && attempts % 4 !== 0) continue;
          if (hint === null && this.#group.isRemoved()) throw this.#removed(isSent);
          hint = null;
        } else if (why === OVERLOADED) {
          isFull = true;
        } else if (why === UNKNOWN) {
          isSent = true;
          if (!again) throw timedOut(end - begun, true);
        } else if (why !== DROPPED && !(why === BUSY && again)) {
          if (why !== BUSY) throw refusal(request(), answer, isSent);
        }
      } catch (error) {
        if (!isOfTheWay(error)) throw error;
        // A process that is not there has done nothing.
        if (!(error instanceof NoProcessError)) isSent = true;
        if (isSent && !again) throw timedOut(end - begun, true);
      }
      await this.#node.sleep(Math.max(0, Math.min(PAUSE, end - this.#now)));
    }
  }

  #removed(mayHaveHappened: boolean): RaftError {
    const { name } = this.#group;
    return new RaftError(
      "removed",
      `Cannot ask the group ${name} by its member on ${this.#group.nearest()}: it was removed and is no member any more, ask by the reference of another member, or add it again`,
      mayHaveHappened,
    );
  }

  #call(from: Process, node: string, term: Encodable, timeout: number): Promise<Term> {
    const target = { name: this.#group.name, node };
    const request = { name: null, term };
    return this.#node._core.call(from, target, request, { timeout }) as Promise<Term>;
  }
}

const OVERLOADED = atom("overloaded");
const UNKNOWN = atom("unknown");
const DROPPED = atom("dropped");
const BUSY = atom("busy");

/** Whether it was lost on its way, or the member was: another one may know. */
function isOfTheWay(error: unknown): boolean {
  return error instanceof CallTimeoutError || error instanceof NodeDownError ||
    error instanceof NoProcessError || error instanceof Error && error.name === "BusyError" ||
    error instanceof Error && error.name === "ExitError" &&
      !isBadRequest((error as unknown as { reason: Term }).reason);
}

function isBadRequest(reason: Term): boolean {
  return isTuple(reason) && reason[0] === BAD_REQUEST;
}

const BAD_REQUEST = atom("bad_request");

function refusal(request: Encodable, answer: Term, mayHaveHappened: boolean): RaftError {
  const head = isTuple(request) ? request[0] : null;
  const why = isTuple(answer) ? answer[1] : null;
  if (isTuple(why) && why[0] === FAILED) {
    // The handler was called: that of a command may have changed something before it threw.
    return new RaftError("failed", String(why[1]), head === APPEND);
  }
  if (why instanceof Atom && why.name === "bad_change") {
    return new RaftError(
      "bad_change",
      head === TRANSFER
        ? "Cannot transfer leadership: who is to lead must be a voter, and another one than who leads now"
        : "Cannot change the members: who is to be added must be none and find a place, who is to go must be one, and not the last voter",
      false,
    );
  }
  return new RaftError("busy", "Cannot serve the request: the group is busy", mayHaveHappened);
}

function timedOut(ms: number, mayHaveHappened: boolean): RaftError {
  return new RaftError(
    "timeout",
    mayHaveHappened
      ? `Cannot tell whether the request was carried out: no answer within ${
        Math.round(ms)
      } ms, look at the state before you ask again`
      : `Cannot carry out the request: no leader within ${
        Math.round(ms)
      } ms, a majority of the members must reach each other`,
    mayHaveHappened,
  );
}

function overloaded(): RaftError {
  return new RaftError(
    "overloaded",
    "Cannot carry out the request: the leader has more under way than maxPending, send less at once",
    false,
  );
}
