// Run by unlisted.test.ts: what console.log shows of errors that hold terms.
import { atom, Pid, tuple } from "../../mod.ts";
import { ExitError, NameError, ProcessExitedError } from "../../lib/node/errors.ts";
import { RaisedError } from "../../lib/node/provided/raise.ts";
import { RpcError, SpawnError } from "../../lib/node/remote/rpc_error.ts";
import { ReplyError } from "../../lib/gen/server/contract.ts";

const pid = new Pid(atom("app@host"), 1, 0, 3);
const reason = tuple(atom("shutdown"), pid) as never;
const errors: readonly Error[] = [
  new ExitError(reason),
  new ProcessExitedError("send", reason),
  new NameError("it is taken by <app@host.1.0>", pid),
  new RaisedError("error", reason, [reason]),
  new RpcError("m:f/0", "error", reason, [reason]),
  new SpawnError("app@host", reason),
  new ReplyError(reason, "it answered {shutdown,<app@host.1.0>}"),
];
for (const error of errors) {
  console.log(error);
  console.log({ error });
  console.log(new Error("outer", { cause: error }));
}
