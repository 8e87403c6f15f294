import { Queue } from "../_util/queue.ts";
import type { LargeMessage } from "./large_message.ts";
import { ALIAS, DELIVERED, type Kind, kindOf, NAME, PID, type Receiver } from "./order.ts";

/** A signal that waits: a frame, or a large message. */
export type Waiting = Uint8Array | LargeMessage;

/** What is under way from one sender to one receiver: a large message, and what waits behind it. */
class Lane {
  readonly receiver: Receiver;
  readonly kind: Kind;
  /** Whether a large message is under way; else the lane is about to be left. */
  busy = false;
  readonly waiting: Queue<Waiting> = new Queue();

  constructor(receiver: Receiver) {
    this.receiver = receiver;
    this.kind = kindOf(receiver);
  }
}

interface Barred {
  readonly receiver: Receiver;
  readonly message: Waiting;
}

/** What is under way from one sender. */
class Sender {
  readonly number: number;
  readonly lanes: Map<Receiver, Lane> = new Map();
  /** How many lanes there are of each kind. */
  readonly kinds: number[] = [0, 0, 0, 0];
  /** What may be for the same process as something in more than one lane, and all that was sent after it. */
  readonly barred: Queue<Barred> = new Queue();
  /** The first of `barred`, when it was looked at. */
  first: Barred | undefined = undefined;
  /** For whom its last signal was. */
  last: Receiver = null;

  constructor(number: number) {
    this.number = number;
  }

  /** Whether a lane other than the receiver's own may lead to the same process. */
  mayMeet(receiver: Receiver): boolean {
    const { kinds } = this;
    const own = this.lanes.has(receiver) ? 1 : 0;
    switch (kindOf(receiver)) {
      case PID:
        return kinds[NAME] + kinds[ALIAS] > 0;
      case NAME:
        return kinds[PID] + kinds[ALIAS] > 0;
      case ALIAS:
        return kinds[PID] + kinds[NAME] + kinds[ALIAS] > own;
      default:
        return false;
    }
  }
}

/** A large message and the lane that it goes in. */
interface Turn {
  readonly message: LargeMessage;
  readonly sender: Sender;
  readonly lane: Lane;
}

/**
 * The large messages that are under way, which take turns, and the signals that wait behind them.
 *
 * Signals of one sender to one receiver keep their order: two pids are two receivers, and so are two names; whatever cannot be
 * told apart so (a name and a pid, an alias whose owner is not known) is taken for the same. What asks whether the signal before it has
 * arrived goes the way of that one.
 */
export class Outgoing {
  /** Bytes that are held here, those of messages under way included. */
  bytes = 0;
  readonly #turns: Queue<Turn> = new Queue();
  readonly #senders: Map<number, Sender> = new Map();
  readonly #send: (message: Waiting) => void;

  /** @param send called with what need not wait any longer: a frame, or a large message of which the first piece is to go out. */
  constructor(send: (message: Waiting) => void) {
    this.#send = send;
  }

  /** Whether anything is under way. */
  get active(): boolean {
    return this.#senders.size > 0;
  }

  /** How many large messages are under way. */
  get open(): number {
    return this.#turns.length;
  }

  /** Whether a signal has to wait behind what is under way. */
  mustWait(from: number, receiver: Receiver): boolean {
    const sender = this.#senders.get(from);
    if (sender === undefined) return false;
    if (receiver === DELIVERED) receiver = sender.last;
    else sender.last = receiver;
    return sender.first !== undefined || sender.lanes.has(receiver) || sender.mayMeet(receiver);
  }

  /** Keeps a signal that has to wait, as `mustWait` has just said. */
  wait(from: number, receiver: Receiver, message: Waiting): void {
    const sender = this.#senders.get(from)!;
    if (receiver === DELIVERED) receiver = sender.last;
    this.bytes += sizeOf(message);
    if (sender.first === undefined && !sender.mayMeet(receiver)) {
      sender.lanes.get(receiver)!.waiting.push(message);
    } else if (sender.first === undefined) {
      sender.first = { receiver, message };
    } else {
      sender.barred.push({ receiver, message });
    }
  }

  /** A large message, which need not wait, is under way: its first piece is out. */
  begin(from: number, receiver: Receiver, message: LargeMessage): void {
    let sender = this.#senders.get(from);
    if (sender === undefined) this.#senders.set(from, sender = new Sender(from));
    this.bytes += message.left;
    sender.last = receiver;
    this.#begin(sender, receiver, message);
  }

  /**
   * The message whose turn it is; the next call gives another one where there are several. What it still has to send counts no
   * more, until `back` says how much is left.
   */
  next(): LargeMessage | null {
    const turn = this.#turns.shift();
    if (turn === undefined) return null;
    this.bytes -= turn.message.left;
    this.#current = turn;
    return turn.message;
  }

  #current: Turn | null = null;

  /** After `next`, when a piece of the message is out: lets what waited behind it go where that was the last. */
  back(): void {
    const turn = this.#current!;
    this.#current = null;
    if (!turn.message.done) {
      this.bytes += turn.message.left;
      this.#turns.push(turn);
      return;
    }
    turn.lane.busy = false;
    this.#goOn(turn.sender, turn.lane);
  }

  /** Drops everything. */
  clear(): void {
    this.bytes = 0;
    this.#turns.clear();
    this.#senders.clear();
  }

  #begin(sender: Sender, receiver: Receiver, message: LargeMessage): void {
    let lane = sender.lanes.get(receiver);
    if (lane === undefined) {
      sender.lanes.set(receiver, lane = new Lane(receiver));
      sender.kinds[lane.kind]++;
    }
    lane.busy = true;
    this.#turns.push({ message, sender, lane });
  }

  #release(sender: Sender, receiver: Receiver, message: Waiting): void {
    this.bytes -= sizeOf(message);
    this.#send(message);
    if (message instanceof Uint8Array) return;
    this.bytes += message.left;
    this.#begin(sender, receiver, message);
  }

  #goOn(sender: Sender, lane: Lane): void {
    while (!lane.busy) {
      const message = lane.waiting.shift();
      if (message === undefined) {
        sender.lanes.delete(lane.receiver);
        sender.kinds[lane.kind]--;
        break;
      }
      this.#release(sender, lane.receiver, message);
    }
    for (let first = sender.first; first !== undefined; first = sender.first) {
      const { receiver, message } = first;
      if (sender.lanes.has(receiver) || sender.mayMeet(receiver)) return;
      sender.first = sender.barred.shift();
      this.#release(sender, receiver, message);
    }
    if (sender.lanes.size === 0) this.#senders.delete(sender.number);
  }
}

function sizeOf(message: Waiting): number {
  return message instanceof Uint8Array ? message.length : message.left;
}
