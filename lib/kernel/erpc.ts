import { executeCall, executeCast } from "../node/provided/apply.ts";
import type { Node } from "../node/node.ts";
import { withSelf } from "../node/provided/provide.ts";

/**
 * What `rpc:call` and `erpc:call` of other nodes spawn here: `erpc:execute_call/4` runs a provided function and exits with what
 * came of it, which reaches the caller as the reason of its monitor.
 *
 * | what happened | the exit reason |
 * | --- | --- |
 * | it returned | `{Res, return, Value}` |
 * | it exited, or a call in it ended so | `{Res, exit, Reason}` |
 * | `raise("throw", Reason)` | `{Res, throw, Reason}` |
 * | `raise("error", Reason)` | `{Res, error, Reason, Stack}` |
 * | it threw | `{Res, error, {js_error, Name, Message}, [{M, F, Arity, []}]}` |
 * | there is no such function | `{Res, error, undef, [{M, F, Args, []}]}` |
 * | it is a fun | `{Res, error, {badfun, Text}, Stack}` |
 *
 * `erpc:execute_cast/3`, of `erpc:cast`, `erpc:multicast` and `rpc:cast`, runs one that nobody waits for; its errors are logged.
 */
export function provideErpc(node: Node): void {
  node.provide("erpc", {
    execute_call: withSelf(async (self, res, module, name, args) => {
      const asked = { module, name, args };
      // Whatever the reason, it is the answer: nothing has crashed here.
      self._process.exit(await executeCall(node, self, self._process.spawner, res, asked));
    }),
    execute_cast: withSelf((self, module, name, args) =>
      executeCast(node, self, self._process.spawner, { module, name, args })
    ),
  });
}
