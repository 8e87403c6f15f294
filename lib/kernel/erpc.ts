import { type Atom, atom } from "../etf/atom.ts";
import { isList } from "../etf/list.ts";
import type { Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import { ExitError, exitReasonOf, ProcessError } from "../node/errors.ts";
import { nameOf } from "../node/core.ts";
import type { Node } from "../node/node.ts";
import { undefinedFunction, withSelf } from "../node/provide.ts";
import type { Self } from "../node/self.ts";

const RETURN = atom("return");
const EXIT = atom("exit");
const ERROR = atom("error");
const UNDEF = atom("undef");

/**
 * What `rpc:call` and `erpc:call` of other nodes spawn here: `erpc:execute_call/4` runs a provided function and exits with what
 * came of it, which reaches the caller as the reason of its monitor.
 *
 * | what happened | the exit reason |
 * | --- | --- |
 * | it returned | `{Res, return, Value}` |
 * | it exited, or a call in it ended so | `{Res, exit, Reason}` |
 * | it threw | `{Res, error, {js_error, Name, Message}, []}` |
 * | there is no such function | `{Res, error, undef, [{M, F, Args, []}]}` |
 */
export function provideErpc(node: Node): void {
  node.provide("erpc", {
    execute_call: withSelf(async (self, res, module, name, args) => {
      // Whatever the reason, it is the answer: nothing has crashed here.
      self._process.exit(await executed(node, self, res, module, name, args));
    }),
    execute_cast: withSelf((self, module, name, args) => run(node, self, module, name, args)),
  });
}

async function executed(
  node: Node,
  self: Self,
  res: Term,
  module: Term,
  name: Term,
  args: Term,
): Promise<Term> {
  try {
    const value = await run(node, self, module, name, args);
    return tuple(res, RETURN, value === undefined ? null : value as Term);
  } catch (error) {
    if (error instanceof UndefinedFunction) {
      return tuple(res, ERROR, UNDEF, (error.reason as Term[])[1]);
    }
    const reason = exitReasonOf(error);
    return error instanceof ProcessError
      ? tuple(res, EXIT, reason)
      : tuple(res, ERROR, (reason as Term[])[0], []);
  }
}

class UndefinedFunction extends ExitError {}

function run(node: Node, self: Self, module: Term, name: Term, args: Term): unknown {
  const m = nameOf(module as Atom);
  const f = nameOf(name as Atom);
  const list = isList(args) ? args : [];
  const fn = node._provided.find(m, f, list);
  if (fn === null) throw new UndefinedFunction(undefinedFunction(m, f, list));
  return fn(self);
}
