import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import { charlist } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import { ApplicationError } from "../../node/applications.ts";
import { EXIT, NORMAL } from "../../node/atoms.ts";
import { exitReasonOf, isProcessError } from "../../node/errors.ts";

/** A function that should have returned has exited so. */
const EXIT_NORMAL = tuple(EXIT, NORMAL) as Term;

/** The reason of OTP that says `what` of an application. */
function of(what: string, name: string): Term {
  return tuple(atom(what), named(name)) as Term;
}

/** The atom of that name, three of which are JavaScript values. */
export function named(name: string): Term {
  return name === "nil" ? null : name === "true" ? true : name === "false" ? false : atom(name);
}

function fault(verb: string, name: string, why: string, reason: Term): ApplicationError {
  return new ApplicationError(`Cannot ${verb} application ${name}: ${why}`, name, reason);
}

/** What OTP finds no file of. */
export function unknown(verb: string, name: string): ApplicationError {
  const reason = tuple(charlist("no such file or directory"), charlist(`${name}.app`));
  return fault(
    verb,
    name,
    "it is not loaded, give what application({...}) has made or load that before",
    reason as unknown as Term,
  );
}

export function notLoaded(verb: string, name: string): ApplicationError {
  return fault(verb, name, "it is not loaded", of("not_loaded", name));
}

export function alreadyLoaded(name: string): ApplicationError {
  const why = "one of that name is loaded, unload it first";
  return fault("load", name, why, of("already_loaded", name));
}

export function running(name: string): ApplicationError {
  return fault("unload", name, "it runs, stop it first", of("running", name));
}

export function alreadyStarted(name: string): ApplicationError {
  return fault("start", name, "it runs already", of("already_started", name));
}

export function notStarted(name: string): ApplicationError {
  return fault("stop", name, "it does not run", of("not_started", name));
}

export function dependsOn(name: string, on: string, ended: boolean): ApplicationError {
  const why = ended
    ? `it depends on ${on}, which has ended, start that again`
    : `it depends on ${on}, which does not run, use ensureAllStarted or start that before`;
  return fault("start", name, why, of(ended ? "not_running" : "not_started", on));
}

export function invalidType(name: string, type: unknown): ApplicationError {
  const shown = typeof type === "string" ? atom(type.slice(0, 255)) : atom("undefined");
  return fault(
    "start",
    name,
    `${String(type)} is no type, "temporary", "transient" or "permanent" is needed`,
    tuple(atom("invalid_restart_type"), shown) as Term,
  );
}

export function nodeStops(name: string): ApplicationError {
  return fault("start", name, "the node stops", atom("shutdown"));
}

export function badEnv(name: string, why: string): ApplicationError {
  return fault("load", name, why, tuple(atom("invalid_env"), why) as unknown as Term);
}

/** A function of the application has failed: what OTP says where `start` or `start_phase` do. */
export function failed(name: string, fn: string, args: Term[], error: unknown): ApplicationError {
  const called = tuple(named(name), atom(fn), args) as Term;
  const cause = exitReasonOf(error);
  const reason = isProcessError(error)
    ? tuple(cause === NORMAL ? EXIT_NORMAL : cause, called)
    : tuple(atom("bad_return"), tuple(called, tuple(EXIT, cause)));
  const why = error instanceof Error ? error.message : format(cause, { maxLength: 1_000 });
  const where = fn === "start" ? "" : `phase ${format(args[0])}: `;
  return new ApplicationError(
    `Cannot start application ${name}: ${where}${why}`,
    name,
    reason as Term,
    { cause: error },
  );
}

/** Whether a start has ended with `normal`, which is no reason to stop a node. */
export function isNormal({ reason }: ApplicationError): boolean {
  return isTuple(reason) && reason[0] === EXIT_NORMAL;
}

/** What `ensureAllStarted` fails with: which one, and why. */
export function inChain(error: ApplicationError): ApplicationError {
  const { application: name, reason } = error;
  return new ApplicationError(error.message, name, tuple(named(name), reason) as Term, {
    cause: error.cause,
  });
}

export function circular(name: string): Term {
  return of("circular_dependency", name);
}
