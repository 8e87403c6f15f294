import { atom } from "../../etf/atom.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { maySpawnFor } from "../../node/provided/apply.ts";
import { acceptedArgs } from "./_accepted.ts";
import {
  deleteChild,
  disableChild,
  type Done,
  enableChild,
  findChild,
  restartChild,
  startChild,
  startOneMore,
  terminateChild,
  whichChild,
} from "./_operations.ts";
import { childOf } from "./_spec_term.ts";
import type { Server } from "../server/server.ts";
import type { Failure, Supervision } from "./_supervision.ts";
import {
  childTerm,
  countChildrenTerm,
  recordTerm,
  specTerm,
  startedTerm,
  whichChildrenTerm,
} from "./_terms.ts";

const OK: Term = atom("ok");
const ERROR = atom("error");
const WHICH_CHILDREN: Term = atom("which_children");
/** As of a task supervisor: the node's option `access` lets that peer have no more. */
const MAX_CHILDREN: Term = atom("max_children");
const COUNT_CHILDREN: Term = atom("count_children");

/**
 * Answers a request of Erlang's `supervisor` by OTP's terms.
 *
 * @param peer the node that asks; `null` where it is this one.
 * @returns `null` where it is no such request.
 */
export async function answer(
  server: Server,
  supervision: Supervision,
  request: Term,
  peer: string | null,
): Promise<Term | null> {
  if (request === WHICH_CHILDREN) return whichChildrenTerm(supervision);
  if (request === COUNT_CHILDREN) return countChildrenTerm(supervision);
  if (!isTuple(request) || request.length !== 2) return null;
  const what = request[1];
  const core = server._core;
  switch (request.tag as string | undefined) {
    case "start_child":
      return await start(server, supervision, what, peer);
    case "terminate_child":
      return done(await terminateChild(supervision, core, what));
    case "restart_child":
      if (!mayRunAgain(server, supervision, what)) return error(MAX_CHILDREN);
      return started(await restartChild(supervision, what));
    case "delete_child":
      return done(deleteChild(supervision, what));
    case "disable_child":
      return done(await disableChild(supervision, what));
    case "enable_child":
      if (!mayRunAgain(server, supervision, what)) return error(MAX_CHILDREN);
      return started(await enableChild(supervision, what));
    case "which_child": {
      const found = whichChild(supervision, what);
      if ("error" in found) return error(found.error);
      return tuple(OK, childTerm(found.entry, supervision.template !== null)) as Term;
    }
    case "get_childspec": {
      const found = findChild(supervision, core, what);
      return "error" in found ? error(found.error) : tuple(OK, specTerm(found.entry)) as Term;
    }
    default:
      return null;
  }
}

async function start(
  server: Server,
  supervision: Supervision,
  what: Term,
  peer: string | null,
): Promise<Term> {
  const { template, children } = supervision;
  // Those that do not run are kept, too.
  const kept = peer === null ? 0 : children.askedBy(peer);
  if (!maySpawnFor(server.node, peer, kept)) return error(MAX_CHILDREN);
  if (template !== null) {
    const extra = acceptedArgs(template.spec, what);
    if ("error" in extra) return error(extra.error);
    return started(await startOneMore(supervision, extra.args, peer));
  }
  const asked = childOf(supervision, what, peer);
  if ("error" in asked) return error(asked.error);
  const result = await startChild(supervision, asked.child, asked.extra, peer);
  if (!("error" in result)) return startedTerm(result.entry);
  const { error: reason } = result;
  if (result.refused === true) return error(reason);
  return error(tuple(reason, recordTerm(asked.child, asked.extra)) as Term);
}

/** Whether the node that has asked for a child which does not run may have one more process. */
function mayRunAgain({ node }: Server, { template, children }: Supervision, id: Term): boolean {
  const entry = template === null ? children.byId(id) : undefined;
  return entry === undefined || entry.running !== null || maySpawnFor(node, entry.peer);
}

function started(result: Done | Failure): Term {
  return "error" in result ? error(result.error) : startedTerm(result.entry);
}

function done(failure: Failure | null): Term {
  return failure === null ? OK : error(failure.error);
}

function error(reason: Term): Term {
  return tuple(ERROR, reason) as Term;
}
