import { atom } from "../../etf/atom.ts";
import { equal } from "../../etf/equal.ts";
import { format } from "../../etf/format.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { type Tuple, tuple } from "../../etf/tuple.ts";
import { type Asked, failureOf, foundProvided, runsFor } from "../../node/provided/apply.ts";
import { ExitError } from "../../node/errors.ts";
import { acceptedArgs } from "./_accepted.ts";
import {
  type ChildStart,
  LocalRunning,
  type Parent,
  RemoteRunning,
  type Running,
  startResult,
} from "./_start.ts";
import type { Supervision } from "./_supervision.ts";

/** How a child is started, and with which arguments. */
export interface Made {
  readonly start: ChildStart;
  readonly extra: readonly unknown[];
}

/**
 * What starts a child that another node describes by `{Module, Function, Args}`: a class or function that this supervisor knows from its
 * own children, with the same arguments, or more of them where it accepts them; else a function that this node provides.
 */
export function startOf(
  supervision: Supervision,
  mfa: Tuple<[Term, Term, Term[]]>,
  peer: string | null,
): Made {
  const [module, name, args] = mfa;
  for (const spec of supervision.known) {
    const [knownModule, knownName, known] = spec._mfa as unknown as [Term, Term, Term[]];
    if (knownModule !== module || knownName !== name || args.length < known.length) continue;
    if (!equal(known, args.slice(0, known.length))) continue;
    const accepted = acceptedArgs(spec, args.slice(known.length));
    if (!("error" in accepted)) return { start: spec._start, extra: accepted.args };
  }
  return { start: new ProvidedStart({ module, name, args }, peer), extra: [] };
}

/**
 * Starts a child by a provided function, which returns `{ok, Pid}`, `{ok, Pid, Info}`, `ignore` or `{error, Reason}` as those of OTP do.
 * What it has started is linked to the supervisor, whose child it is from then on. A function that wants its process (`withSelf`) is
 * the child itself.
 */
export class ProvidedStart implements ChildStart {
  readonly #asked: Asked;
  readonly #peer: string | null;

  /** @param peer the node that has asked for it, by whose rights it runs; `null` for this one. */
  constructor(asked: Asked, peer: string | null) {
    this.#asked = asked;
    this.#peer = peer;
  }

  get name(): string {
    return format(this.#asked.name);
  }

  get modules(): Term[] {
    return [this.#asked.module];
  }

  mfa(): Term {
    const { module, name, args } = this.#asked;
    return tuple(module, name, args) as Term;
  }

  async start(parent: Parent): Promise<Running | null> {
    const { node, process } = parent;
    let result: unknown;
    try {
      const run = foundProvided(node, this.#peer, this.#asked);
      if (node._provided.isProcess(this.#asked)) {
        const spawned = node._spawn(run, { link: process });
        runsFor(node, this.#peer, spawned);
        return new LocalRunning(process, spawned, spawned.pid);
      }
      result = await run(null);
    } catch (error) {
      throw new ExitError(caught(error, this.#asked), undefined, { cause: error });
    }
    const started = startResult(result as Term);
    return started && adopted(parent, started.pid, started.info);
  }
}

/** A process that runs already becomes a child. */
function adopted(parent: Parent, pid: Pid, info?: Term): Running {
  const { process, node } = parent;
  const core = node._core;
  core.link(process, pid);
  if (core.remoteOf(pid) !== null) return new RemoteRunning(process, pid, pid, info);
  const child = core.process(pid);
  if (child === undefined) throw new ExitError(atom("noproc"));
  child.parent = process.pid;
  return new LocalRunning(process, child, pid, info);
}

/** `catch apply(M, F, A)`: a throw is the value, an exit `{'EXIT', Reason}`. */
function caught(error: unknown, asked: Asked): Term {
  const failure = failureOf(error, asked);
  if (failure.class === "throw") return failure.reason;
  const reason = failure.class === "error"
    ? tuple(failure.reason, failure.stacktrace)
    : failure.reason;
  return tuple(atom("EXIT"), reason) as unknown as Term;
}
