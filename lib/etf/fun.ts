import { Atom } from "./atom.ts";
import type { Pid } from "./identifiers.ts";
import type { Term } from "./term.ts";
import { inspectable } from "./_inspect.ts";

/**
 * A closure of an Erlang node; it cannot be called here, and goes back byte for byte as it came
 * ([NEW_FUN_EXT](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#new_fun_ext)).
 */
export class Fun {
  /** The module whose code it is; a node without that code cannot run it. */
  readonly module: Atom;
  /** How many arguments it takes, 0 to 255; -1 where the peer does not say (FUN_EXT, which OTP 23 dropped). */
  readonly arity: number;
  /** Which fun of its module, by the compiler's numbering. */
  readonly index: number;
  /** A hash of the fun's code, which Erlang prints behind the index. */
  readonly oldUniq: number;
  /** The process that made it, as far as the peer records that; OTP 27 and later do not. */
  readonly pid: Pid;
  /** The values that the closure has captured. */
  readonly free: readonly Term[];
  /** @ignore @internal The whole term from its tag on, without atom cache references. */
  readonly _bytes: Uint8Array;

  /** @ignore @internal */
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

/**
 * A function by its name, `fun lists:map/2` or Elixir's `&Enum.map/2`
 * ([EXPORT_EXT](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#export_ext)).
 */
export class ExternalFun {
  /** The module, with `Elixir.` in front where it is one of Elixir. */
  readonly module: Atom;
  /** The function's name. */
  readonly function: Atom;
  /** How many arguments it takes, 0 to 255. */
  readonly arity: number;

  /**
   * The function `module:name/arity`, whether there is one or not.
   *
   * @throws {TypeError} if the module or the name is no atom.
   * @throws {RangeError} if the arity is not an integer from 0 to 255.
   */
  constructor(module: Atom, name: Atom, arity: number) {
    for (const part of [module, name]) {
      if (part instanceof Atom) continue;
      throw new TypeError(
        `Cannot make an external fun of ${typeof part} ${
          String(part)
        }: an atom is needed, atom("...")`,
      );
    }
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

/**
 * A term that only the node it came from can read; give it back to that node only
 * ([LOCAL_EXT](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#local_ext)).
 */
export class LocalTerm {
  /** @ignore @internal The whole term from its tag on. */
  readonly _bytes: Uint8Array;

  /** @ignore @internal */
  constructor(bytes: Uint8Array) {
    this._bytes = bytes;
  }

  static {
    inspectable(this.prototype);
  }
}

/** A native record of OTP 29 (RECORD_EXT). The records of earlier releases are tuples: see `t.record`. */
export class NativeRecord {
  /** The module that defines it. */
  readonly module: Atom;
  /** The record's name within its module. */
  readonly name: Atom;
  /** One byte, which goes back as it came. */
  readonly flags: number;
  /** Names and values in wire order. */
  readonly fields: readonly (readonly [name: Atom, value: Term])[];

  /** @ignore @internal */
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
