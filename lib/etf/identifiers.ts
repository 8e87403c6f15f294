import type { Atom } from "./atom.ts";
import { format } from "./format.ts";
import { inspectable } from "./_inspect.ts";

/**
 * The address of a process, unique in its cluster ([NEW_PID_EXT](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#new_pid_ext)).
 *
 * A term that comes twice is two objects: compare pids by {@linkcode Pid.equals}, and use {@linkcode Pid.key} as the key of a `Map`.
 */
export class Pid {
  /** @ignore @internal The node's name as the atom that crosses the wire. */
  readonly _node: Atom;
  /** The second number of `<app@host.12.0>` as {@linkcode format} prints it, 32 bits. */
  readonly id: number;
  /** The last number of `<app@host.12.0>`, 32 bits. */
  readonly serial: number;
  /** Which life of the node the process belongs to: a node takes another number at each start. 32 bits. */
  readonly creation: number;

  /** @ignore @internal Nodes make pids. To keep one outside of a program, encode it. */
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

  /** Whether a value is this very pid; one of an earlier life of its node is another. */
  equals(other: unknown): boolean {
    return other instanceof Pid && this.id === other.id && this.serial === other.serial &&
      this.creation === other.creation && this._node === other._node;
  }

  /** As Erlang prints it. */
  toString(): string {
    return format(this);
  }

  static {
    inspectable(this.prototype);
  }
}

/** The address of a port (a driver, a socket, an external program) of an Erlang node ([V4_PORT_EXT](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#v4_port_ext)). */
export class Port {
  /** @ignore @internal */
  readonly _node: Atom;
  /** The port's number, 64 bits: a bigint beyond 2^53-1. */
  readonly id: number | bigint;
  /** Which life of the node the port belongs to. 32 bits. */
  readonly creation: number;

  /** @ignore @internal */
  constructor(node: Atom, id: number | bigint, creation: number) {
    this._node = node;
    this.id = typeof id === "bigint" && id <= Number.MAX_SAFE_INTEGER ? Number(id) : id;
    this.creation = creation;
  }

  /** The name of the node that the port belongs to. */
  get node(): string {
    return this._node.name;
  }

  /** A string that two ports share exactly if they are equal. */
  get key(): string {
    return `o${this.id}.${this.creation}@${this._node.name}`;
  }

  /** Whether a value is this very port. */
  equals(other: unknown): boolean {
    return other instanceof Port && this.id === other.id && this.creation === other.creation &&
      this._node === other._node;
  }

  /** As Erlang prints it. */
  toString(): string {
    return format(this);
  }

  static {
    inspectable(this.prototype);
  }
}

/**
 * A reference: a value that is unique in its cluster ([NEWER_REFERENCE_EXT](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#newer_reference_ext)).
 * Monitors, aliases and the tags of calls are references.
 *
 * A term that comes twice is two objects: compare references by {@linkcode Ref.equals}.
 */
export class Ref {
  /** @ignore @internal */
  readonly _node: Atom;
  /** Which life of the node it was made in. 32 bits. */
  readonly creation: number;
  /** None to five words of 32 bits, usually three, in wire order. */
  readonly words: readonly number[];

  /** @ignore @internal Use `alias` of a process for one that messages can be sent to. */
  constructor(node: Atom, creation: number, words: readonly number[]) {
    if (words.length > 5) {
      throw new RangeError(
        `Cannot make a reference of ${words.length} words, at most 5 are possible`,
      );
    }
    this._node = node;
    this.creation = creation;
    this.words = words;
  }

  /** The name of the node that made it. */
  get node(): string {
    return this._node.name;
  }

  /** A string that two references share exactly if they are equal. */
  get key(): string {
    return `r${this.words.join(".")}.${this.creation}@${this._node.name}`;
  }

  /** Whether a value is this very reference. */
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

  /** As Erlang prints it. */
  toString(): string {
    return format(this);
  }

  static {
    inspectable(this.prototype);
  }
}
