import type { Atom } from "./atom.ts";
import type { Pid } from "./identifiers.ts";
import type { Term } from "./term.ts";
import { inspectable } from "./_inspect.ts";

/** A closure of an Erlang node. It cannot be called here; it goes back byte for byte as it came. */
export class Fun {
  readonly module: Atom;
  readonly arity: number;
  readonly index: number;
  readonly oldUniq: number;
  readonly pid: Pid;
  /** The values that the closure has captured. */
  readonly free: readonly Term[];
  /** @internal The whole term from its tag on, without atom cache references. */
  readonly _bytes: Uint8Array;

  constructor(
    fields: Pick<Fun, "module" | "arity" | "index" | "oldUniq" | "pid" | "free">,
    bytes: Uint8Array,
  ) {
    this.module = fields.module;
    this.arity = fields.arity;
    this.index = fields.index;
    this.oldUniq = fields.oldUniq;
    this.pid = fields.pid;
    this.free = fields.free;
    this._bytes = bytes;
  }

  static {
    inspectable(this.prototype);
  }
}

/** A function by its name: `fun lists:map/2`. */
export class ExternalFun {
  readonly module: Atom;
  readonly function: Atom;
  /** 0 to 255. */
  readonly arity: number;

  constructor(module: Atom, name: Atom, arity: number) {
    if (!(Number.isInteger(arity) && arity >= 0 && arity <= 255)) {
      throw new RangeError(`Cannot make an external fun: arity ${arity}, 0 to 255 is needed`);
    }
    this.module = module;
    this.function = name;
    this.arity = arity;
  }

  static {
    inspectable(this.prototype);
  }
}

/** A term that only the node it came from can read (LOCAL_EXT). It may only be given back to that node. */
export class LocalTerm {
  /** @internal The whole term from its tag on. */
  readonly _bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this._bytes = bytes;
  }

  static {
    inspectable(this.prototype);
  }
}

/** A native record of OTP 29 (RECORD_EXT). */
export class NativeRecord {
  readonly module: Atom;
  readonly name: Atom;
  readonly flags: number;
  readonly fields: readonly (readonly [name: Atom, value: Term])[];

  constructor(
    module: Atom,
    name: Atom,
    flags: number,
    fields: readonly (readonly [name: Atom, value: Term])[],
  ) {
    this.module = module;
    this.name = name;
    this.flags = flags;
    this.fields = fields;
  }

  static {
    inspectable(this.prototype);
  }
}
