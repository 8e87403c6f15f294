import { Atom, atom } from "../../etf/atom.ts";
import { Pid } from "../../etf/identifiers.ts";
import { charlist, isList } from "../../etf/list.ts";
import { format } from "../../etf/format.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple, tuple } from "../../etf/tuple.ts";
import {
  type ApplicationAction,
  ApplicationError,
  type ApplicationInfo,
  type Applications,
  type ApplicationType,
  type ListedApplication,
} from "../../node/applications.ts";
import { nameOf } from "../../node/core.ts";
import type { Node } from "../../node/node.ts";
import type { Self } from "../../node/process/self.ts";
import { WithSelf } from "../../node/provided/provide.ts";
import { RaisedError } from "../../node/provided/raise.ts";
import { shown } from "../sys/shown.ts";
import { named, notStarted, unknown } from "./_faults.ts";
import { keysOf } from "./_info.ts";
import type { Rights } from "./_rights.ts";

const OK = atom("ok");
const UNDEFINED = atom("undefined");

/**
 * Provides Erlang's module `application`, as far as other nodes ask for it by rpc.
 *
 * | function | for whom |
 * | --- | --- |
 * | `which_applications/0,1`, `loaded_applications/0`, `get_application/1`, `get_supervisor/1`, `get_key/2`, `get_all_key/1` | all that may call what is provided |
 * | `start/1,2`, `ensure_started/1,2`, `ensure_all_started/1,2,3` | whom `applications.allow` lets `"start"` it; for others there is no such application |
 * | `stop/1` | whom it lets `"stop"` it; for others it does not run |
 * | `get_env/2,3`, `get_all_env/1` | whom it lets read its `"env"`; for others it is empty |
 */
export function provideApplication(node: Node, applications: Applications, rights: Rights): void {
  const may = (self: Self, action: ApplicationAction, name: string): boolean => {
    const peer = self._process.spawner;
    if (rights.may(peer, action, name)) return true;
    // Tools ask for the environment of OTP's own applications.
    if (!applications.loaded().some((one) => one.name === name)) return false;
    const which = format(named(name));
    const text = `Node ${peer} may not ask for ${action} of application ${which}`;
    node._core.logger.log("warning", text, { application: name, peer });
    return false;
  };
  const infoOf = (name: string): ApplicationInfo | null =>
    applications.loaded().some((one) => one.name === name) ? applications.info(name) : null;
  const starting = async (self: Self, app: Term, type: Term): Promise<void> => {
    const name = nameIn(app);
    if (!may(self, "start", name)) throw unknown("start", name);
    await applications.start(name, typeIn(type));
  };
  node.provide("application", {
    which_applications: new WithSelf(() => applications.which().map(entry), [0, 1]),
    loaded_applications: new WithSelf(() => applications.loaded().map(entry), [0]),
    get_application: new WithSelf((_self, of) => {
      const name = of instanceof Pid ? applications.of(of) : undefined;
      return name === undefined ? UNDEFINED : ok(named(name));
    }, [1]),
    get_supervisor: new WithSelf((_self, app) => {
      const root = infoOf(nameIn(app))?.root ?? null;
      return root === null ? UNDEFINED : ok(root);
    }, [1]),
    get_key: new WithSelf((_self, app, key) => {
      const info = infoOf(nameIn(app));
      const value = info === null ? undefined : keysOf(info).get(nameIn(key));
      return value === undefined ? UNDEFINED : ok(value);
    }, [2]),
    get_all_key: new WithSelf((_self, app) => {
      const info = infoOf(nameIn(app));
      if (info === null) return UNDEFINED;
      return ok([...keysOf(info)].map(([key, value]) => tuple(atom(key), value) as Term));
    }, [1]),
    get_env: new WithSelf((self, app, key, ...fallback) => {
      const [name, field] = [nameIn(app), nameIn(key)];
      const value = may(self, "env", name) ? applications.getEnv(name, field) : undefined;
      if (value === undefined) return fallback.length === 0 ? UNDEFINED : fallback[0];
      return fallback.length === 0 ? ok(shown(value)) : shown(value);
    }, [2, 3]),
    get_all_env: new WithSelf((self, app) => {
      const name = nameIn(app);
      const values = may(self, "env", name) ? applications.getAllEnv(name) : {};
      return Object.entries(values).map(([key, value]) => tuple(named(key), shown(value)) as Term);
    }, [1]),
    start: new WithSelf((self, app, type) => answer(starting(self, app, type)), [1, 2]),
    ensure_started: new WithSelf((self, app, type) => {
      const started = starting(self, app, type).catch((error) => {
        if (!isAlreadyStarted(error, nameIn(app))) throw error;
      });
      return answer(started);
    }, [1, 2]),
    ensure_all_started: new WithSelf((self, apps, type) => {
      const names = (isList(apps) ? apps : [apps]).map(nameIn);
      return answer(allStarted(names, (name) => {
        if (!may(self, "start", name)) throw inChain(unknown("start", name));
      }, () => applications.ensureAllStarted(names, typeIn(type))));
    }, [1, 2, 3]),
    stop: new WithSelf((self, app) => {
      const name = nameIn(app);
      if (!may(self, "stop", name)) return answer(Promise.reject(notStarted(name)));
      return answer(applications.stop(name));
    }, [1]),
  });
}

async function allStarted(
  names: readonly string[],
  check: (name: string) => void,
  start: () => Promise<string[]>,
): Promise<Term> {
  names.forEach(check);
  return (await start()).map(named);
}

function inChain(error: ApplicationError): ApplicationError {
  const { application: name, reason } = error;
  return new ApplicationError(error.message, name, tuple(named(name), reason) as Term);
}

/** `ok`, `{ok, Value}` or `{error, Reason}`. */
async function answer(done: Promise<Term | void>): Promise<Term> {
  try {
    const value = await done;
    return value === undefined ? OK : ok(value);
  } catch (error) {
    if (error instanceof ApplicationError) return tuple(atom("error"), error.reason) as Term;
    throw error;
  }
}

function ok(value: Term): Term {
  return tuple(OK, value) as Term;
}

function entry({ name, description, version }: ListedApplication): Term {
  return tuple(named(name), charlist(description), charlist(version)) as Term;
}

/** @throws {RaisedError} `badarg` where it is no atom. */
function nameIn(term: Term): string {
  if (term instanceof Atom || term === null || typeof term === "boolean") return nameOf(term);
  throw new RaisedError("error", atom("badarg"), []);
}

function typeIn(term: Term | undefined): ApplicationType | undefined {
  // What is none is refused by name where it is used.
  return term === undefined ? undefined : nameIn(term) as ApplicationType;
}

function isAlreadyStarted(error: unknown, name: string): boolean {
  if (!(error instanceof ApplicationError)) return false;
  const { reason } = error;
  return isTuple(reason) && reason[0] === atom("already_started") && error.application === name;
}

/**
 * Starts an application on another node.
 *
 * @throws {ApplicationError} with the reason that it gives.
 */
export async function startOn(
  node: Node,
  peer: string,
  name: string,
  type?: ApplicationType,
): Promise<void> {
  const args = type === undefined ? [named(name)] : [named(name), atom(type)];
  const result = await node.rpc(peer, "application", "start", args, { timeout: Infinity });
  if (result === OK) return;
  const reason = isTuple(result) && result.length === 2 ? result[1] : result;
  const why = format(reason, { maxLength: 1_000 });
  throw new ApplicationError(`Cannot start application ${name} on ${peer}: ${why}`, name, reason);
}
