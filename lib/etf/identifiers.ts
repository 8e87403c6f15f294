import type { Atom } from "./atom.ts";
import { inspectable } from "./_inspect.ts";

/** The name of a process on some node. Values of this class are terms: they cross the wire as NEW_PID_EXT. */
export class Pid {
  /** @internal The node's name as the atom that crosses the wire. */
  readonly _node: Atom;
  /** First number of the pid, 32 bits. */
  readonly id: number;
  /** Second number of the pid, 32 bits. */
  readonly serial: number;
  /** Which life of the node the process belongs to, 32 bits. */
  readonly creation: number;

  constructor(node: Atom, id: number, serial: number, creation: number) {
    this._node = node;
    this.id = id;
    this.serial = serial;
    this.creation = creation;
  }

  /** The name of the node that the process lives on. */
  get node(): string {
    return this._node.name;
  }

  /** A string that two pids share exactly if they are equal; for use as a Map key. */
  get key(): string {
    return `p${this.id}.${this.serial}.${this.creation}@${this._node.name}`;
  }

  equals(other: unknown): boolean {
    return other instanceof Pid && this.id === other.id && this.serial === other.serial &&
      this.creation === other.creation && this._node === other._node;
  }

  static {
    inspectable(this.prototype);
  }
}

/** The name of a port (a driver, a socket, an external program) on an Erlang node. */
export class Port {
  /** @internal */
  readonly _node: Atom;
  /** 64 bits. */
  readonly id: number | bigint;
  readonly creation: number;

  constructor(node: Atom, id: number | bigint, creation: number) {
    this._node = node;
    this.id = id;
    this.creation = creation;
  }

  get node(): string {
    return this._node.name;
  }

  /** A string that two ports share exactly if they are equal. */
  get key(): string {
    return `o${this.id}.${this.creation}@${this._node.name}`;
  }

  equals(other: unknown): boolean {
    return other instanceof Port && this.id === other.id && this.creation === other.creation &&
      this._node === other._node;
  }

  static {
    inspectable(this.prototype);
  }
}

/** A reference: a value that is unique in its node's life. Monitors, aliases and timers are named by references. */
export class Ref {
  /** @internal */
  readonly _node: Atom;
  readonly creation: number;
  /** One to five words of 32 bits, in wire order. */
  readonly words: readonly number[];

  constructor(node: Atom, creation: number, words: readonly number[]) {
    this._node = node;
    this.creation = creation;
    this.words = words;
  }

  get node(): string {
    return this._node.name;
  }

  /** A string that two references share exactly if they are equal. */
  get key(): string {
    return `r${this.words.join(".")}.${this.creation}@${this._node.name}`;
  }

  equals(other: unknown): boolean {
    if (!(other instanceof Ref)) return false;
    if (this === other) return true;
    if (this._node !== other._node || this.creation !== other.creation) return false;
    if (this.words.length !== other.words.length) return false;
    for (let i = 0; i < this.words.length; i++) {
      if (this.words[i] !== other.words[i]) return false;
    }
    return true;
  }

  static {
    inspectable(this.prototype);
  }
}
