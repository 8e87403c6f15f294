// Hot: most messages of a cluster are of a few shapes, whose bytes differ in few places. Measured by the remote rows of the benchmark; tests/dist
// compares it with the decoder, which reads whatever is not of these shapes.
import { Atom, atom } from "../etf/atom.ts";
import type { Decoder } from "../etf/decoder.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import { ImproperList } from "../etf/list.ts";
import type { Term } from "../etf/term.ts";
import { newTuple } from "../etf/tuple.ts";
import { ALTACT, type AtomTerm, CONTROL, type Control, UNUSED } from "./control.ts";

/** @internal Head of the message that a call is. */
export const GEN_CALL: Atom = atom("$gen_call");
/** @internal Head of a call's tag, in front of the alias. */
export const ALIAS: Atom = atom("alias");
/** The list in front of the bar of a call's tag, for all of them. */
const TAG: readonly Term[] = [ALIAS];

/** Bytes of a pid, a reference and a call's tag whose atoms are in the header. */
const PID_SIZE = 15;
const REF_SIZE = 21;
const TAG_SIZE = 7 + REF_SIZE;
/** How many pids and references are known again, which saves making them: those of a call come up to three times. */
const KNOWN = 64;

/** Reads control messages and payloads of the usual shapes. Keeps the pids and references that came last. */
export class QuickReader {
  /** Where the control message that was read last ends. */
  position = 0;
  readonly #pids: (Pid | undefined)[] = new Array(KNOWN).fill(undefined);
  readonly #refs: (Ref | undefined)[] = new Array(KNOWN).fill(undefined);

  /**
   * Reads a message or a monitor's begin or end, as `readControl` gives it.
   *
   * @returns `null` where it is something else, or is written in another way, or malformed.
   */
  control(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Control | null {
    if (end - at < 6 || bytes[at] !== 104 || bytes[at + 2] !== 97) return null;
    const arity = bytes[at + 1];
    const op = bytes[at + 3];
    at += 4;
    switch (op) {
      case CONTROL.SEND_SENDER:
      case CONTROL.ALIAS_SEND:
        if (arity !== 3) return null;
        return this.#message(op, bytes, at, end, atoms, count);
      case CONTROL.REG_SEND:
        if (arity !== 4) return null;
        return this.#named(bytes, at, end, atoms, count);
      case CONTROL.ALTACT_SIG_SEND: {
        if (arity !== 4 || bytes[at] !== 97) return null;
        const flags = bytes[at + 1];
        if (flags === ALTACT.ALIAS) {
          return this.#message(CONTROL.ALIAS_SEND, bytes, at + 2, end, atoms, count);
        }
        if (flags !== 0) return null;
        return this.#message(CONTROL.SEND_SENDER, bytes, at + 2, end, atoms, count);
      }
      case CONTROL.MONITOR_P:
      case CONTROL.DEMONITOR_P:
        if (arity !== 4) return null;
        return this.#monitor(op, bytes, at, end, atoms, count);
      default:
        return null;
    }
  }

  /**
   * Reads `{'$gen_call', {Pid, [alias | Ref]}, Request}`, `{[alias | Ref], Reply}`, an atom or a number.
   *
   * @param decoder reads what is in them; it is where they begin, and behind them afterwards.
   * @returns `undefined` where it is something else; the decoder has not moved then.
   */
  payload(
    decoder: Decoder,
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Term | undefined {
    switch (bytes[at]) {
      case 97:
        if (end - at < 2) return undefined;
        decoder.position = at + 2;
        return bytes[at + 1];
      case 98:
        if (end - at < 5) return undefined;
        decoder.position = at + 5;
        return u32(bytes, at + 1) | 0;
      case 82:
        if (end - at < 2 || bytes[at + 1] >= count) return undefined;
        decoder.position = at + 2;
        return atoms[bytes[at + 1]];
      case 104: {
        const arity = bytes[at + 1];
        if (arity === 3 && end - at > 6 + PID_SIZE + TAG_SIZE) {
          if (bytes[at + 2] !== 82 || bytes[at + 3] >= count) return undefined;
          if (atoms[bytes[at + 3]] !== GEN_CALL) return undefined;
          if (bytes[at + 4] !== 104 || bytes[at + 5] !== 2) return undefined;
          const pid = this.#pid(bytes, at + 6, end, atoms, count);
          if (pid === null) return undefined;
          const tag = this.#tag(bytes, at + 6 + PID_SIZE, end, atoms, count);
          if (tag === null) return undefined;
          decoder.position = at + 6 + PID_SIZE + TAG_SIZE;
          const from = newTuple(2);
          from[0] = pid;
          from[1] = tag;
          const message = newTuple(3);
          message[0] = GEN_CALL;
          message[1] = from as unknown as Term;
          message[2] = decoder.term();
          return message as unknown as Term;
        }
        if (arity === 2 && end - at > 2 + TAG_SIZE) {
          const tag = this.#tag(bytes, at + 2, end, atoms, count);
          if (tag === null) return undefined;
          decoder.position = at + 2 + TAG_SIZE;
          const message = newTuple(2);
          message[0] = tag;
          message[1] = decoder.term();
          return message as unknown as Term;
        }
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /** `{Op, FromPid, To}` where `To` is a pid, or an alias. */
  #message(
    op: typeof CONTROL.SEND_SENDER | typeof CONTROL.ALIAS_SEND,
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Control | null {
    const from = this.#pid(bytes, at, end, atoms, count);
    if (from === null) return null;
    at += PID_SIZE;
    const toPid = op === CONTROL.SEND_SENDER;
    const to = toPid
      ? this.#pid(bytes, at, end, atoms, count)
      : this.#ref(bytes, at, end, atoms, count);
    if (to === null) return null;
    this.position = at + (toPid ? PID_SIZE : REF_SIZE);
    const control = newTuple(3);
    control[0] = op;
    control[1] = from;
    control[2] = to;
    return control as unknown as Control;
  }

  /** `{Op, FromPid, Unused, ToName}` */
  #named(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Control | null {
    const from = this.#pid(bytes, at, end, atoms, count);
    if (from === null) return null;
    at += PID_SIZE;
    // Nobody looks at what is unused.
    if (end - at < 4 || bytes[at] !== 82 || bytes[at + 1] >= count) return null;
    if (bytes[at + 2] !== 82 || bytes[at + 3] >= count) return null;
    this.position = at + 4;
    const control = newTuple(4);
    control[0] = CONTROL.REG_SEND;
    control[1] = from;
    control[2] = UNUSED;
    control[3] = atoms[bytes[at + 3]];
    return control as unknown as Control;
  }

  /** `{Op, FromPid, ToProc, Ref}` where `ToProc` is a pid or a name. */
  #monitor(
    op: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Control | null {
    const from = this.#pid(bytes, at, end, atoms, count);
    if (from === null) return null;
    at += PID_SIZE;
    const control = newTuple(4);
    if (end - at >= 2 && bytes[at] === 82 && bytes[at + 1] < count) {
      control[2] = atoms[bytes[at + 1]];
      at += 2;
    } else {
      const to = this.#pid(bytes, at, end, atoms, count);
      if (to === null) return null;
      control[2] = to;
      at += PID_SIZE;
    }
    const ref = this.#ref(bytes, at, end, atoms, count);
    if (ref === null) return null;
    this.position = at + REF_SIZE;
    control[0] = op;
    control[1] = from;
    control[3] = ref;
    return control as unknown as Control;
  }

  #pid(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Pid | null {
    if (end - at < PID_SIZE || bytes[at] !== 88 || bytes[at + 1] !== 82) return null;
    const node = bytes[at + 2] < count ? atoms[bytes[at + 2]] : null;
    if (!(node instanceof Atom)) return null;
    const id = u32(bytes, at + 3);
    const serial = u32(bytes, at + 7);
    const creation = u32(bytes, at + 11);
    const known = this.#pids[id & (KNOWN - 1)];
    if (
      known !== undefined && known.id === id && known.serial === serial &&
      known.creation === creation && known._node === node
    ) return known;
    return this.#pids[id & (KNOWN - 1)] = new Pid(node, id, serial, creation);
  }

  #ref(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Ref | null {
    if (end - at < REF_SIZE || bytes[at] !== 90 || bytes[at + 1] !== 0) return null;
    if (bytes[at + 2] !== 3 || bytes[at + 3] !== 82) return null;
    const node = bytes[at + 4] < count ? atoms[bytes[at + 4]] : null;
    if (!(node instanceof Atom)) return null;
    const creation = u32(bytes, at + 5);
    const first = u32(bytes, at + 9);
    const second = u32(bytes, at + 13);
    const third = u32(bytes, at + 17);
    const known = this.#refs[first & (KNOWN - 1)];
    if (known !== undefined && known._node === node && known.creation === creation) {
      const { words } = known;
      if (words[0] === first && words[1] === second && words[2] === third) return known;
    }
    return this.#refs[first & (KNOWN - 1)] = new Ref(node, creation, [first, second, third]);
  }

  /** `[alias | Ref]` */
  #tag(
    bytes: Uint8Array,
    at: number,
    end: number,
    atoms: readonly AtomTerm[],
    count: number,
  ): Term | null {
    if (end - at < TAG_SIZE || bytes[at] !== 108 || u32(bytes, at + 1) !== 1) return null;
    if (bytes[at + 5] !== 82 || bytes[at + 6] >= count) return null;
    if (atoms[bytes[at + 6]] !== ALIAS) return null;
    const ref = this.#ref(bytes, at + 7, end, atoms, count);
    return ref === null ? null : new ImproperList(TAG, ref);
  }
}

function u32(b: Uint8Array, at: number): number {
  return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
}
