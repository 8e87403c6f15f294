import { format } from "../etf/format.ts";
import type { Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import { Call, Cast, requestTerm } from "../node/call.ts";
import { FromPeer } from "../node/remote/from_peer.ts";
import { Digest, isThrown } from "./_digest.ts";

/** What can happen. */
export type TraceKind =
  | "start" // a node
  | "turn" // a process takes a message
  | "exit" // of a process
  | "timer"
  | "net" // something arrives
  | "fault" // of the network, the machines, the clocks
  | "disk"
  | "log"
  | "print"
  | "note"; // of the script

/** One line of a trace. */
export interface TraceEvent {
  /** Milliseconds since the beginning. */
  readonly time: number;
  readonly kind: TraceKind;
  /** The node; "" where it is none. */
  readonly node: string;
  readonly text: string;
}

interface Entry {
  readonly us: number;
  readonly kind: TraceKind;
  readonly node: string;
  readonly what: string;
  readonly value: unknown;
}

/** So many of the last events are kept. */
const KEPT = 50_000;
/** Characters of a message that are shown. */
const SHOWN = 160;

/** What happens in a simulation, as it happens. */
export class Trace {
  readonly #digest: Digest = new Digest();
  /** What the digest was after each event, to find where two runs part. */
  readonly marks: number[] = [];
  readonly #immediately: boolean;
  #entries: Entry[] = [];
  #dropped = 0;

  /** @param immediately whether values are put into words at once, and not when they are asked for: they may change until then. */
  constructor(immediately: boolean) {
    this.#immediately = immediately;
  }

  /** @param value a message or reason that belongs to it; `undefined` for none. */
  add(us: number, kind: TraceKind, node: string, what: string, value?: unknown): void {
    const digest = this.#digest;
    digest.number(us);
    digest.text(kind);
    digest.text(node);
    digest.text(what);
    if (value !== undefined) digest.any(contentOf(value));
    this.marks.push(digest.value);
    const kept = value === undefined || !this.#immediately ? value : textOf(value);
    this.#entries.push({ us, kind, node, what, value: kept });
    if (this.#entries.length < 2 * KEPT) return;
    this.#entries = this.#entries.slice(KEPT);
    this.#dropped += KEPT;
  }

  /** A number for all that has happened. */
  get hash(): string {
    return this.#digest.toString();
  }

  get length(): number {
    return this.marks.length;
  }

  /** The event of that number; those that are too far back are not known any more. */
  event(index: number): TraceEvent | null {
    const entry = this.#entries[index - this.#dropped];
    if (entry === undefined) return null;
    const { us, kind, node, what, value } = entry;
    const shown = value === undefined ? "" : typeof value === "string" ? value : textOf(value);
    const text = shown === "" ? what : `${what} ${shown}`;
    return { time: us / 1000, kind, node, text };
  }

  /** The text of the events from one to another, a line each. */
  text(from = 0, to: number = this.length): string {
    const lines: string[] = [];
    for (let i = Math.max(from, this.#dropped); i < to; i++) lines.push(lineOf(this.event(i)!));
    return lines.join("\n");
  }
}

/** One event as a line. */
export function lineOf({ time, kind, node, text }: TraceEvent): string {
  return `${time.toFixed(3).padStart(12)}  ${node.padEnd(8)} ${kind.padEnd(5)}  ${text}`;
}

/** What is in a message, without what stands around it. */
function contentOf(message: unknown): unknown {
  if (message instanceof FromPeer) return message.message;
  return message instanceof Call || message instanceof Cast ? message.request : message;
}

/** A message or a reason in words, the same on all runtimes. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof FromPeer) return textOf(value.message);
  const kind = value instanceof Call ? "call " : value instanceof Cast ? "cast " : "";
  const term = kind === "" ? value : requestTerm((value as Call | Cast).request);
  return kind + format(withoutStacks(term) as Term, { maxLength: SHOWN });
}

/** Reasons that hold the stack of an engine, without it. */
function withoutStacks(value: unknown, depth = 4): unknown {
  if (!isTuple(value) || depth === 0) return value;
  if (isThrown(value)) return value[0];
  if (!value.some((item) => isTuple(item))) return value;
  return tuple(...value.map((item) => withoutStacks(item, depth - 1) as Term));
}
