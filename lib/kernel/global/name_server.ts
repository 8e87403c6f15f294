import { atom } from "../../etf/atom.ts";
import { format } from "../../etf/format.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { isList } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { TermMap } from "../../etf/term_map.ts";
import { isTuple, type Tuple, tuple } from "../../etf/tuple.ts";
import { GenServer } from "../../gen/server/gen_server.ts";
import { noReply } from "../../gen/server/handlers.ts";
import type { From } from "../../node/call.ts";
import type { NodeEvent } from "../../node/remote/events.ts";
import { Turn } from "../../node/process/turn.ts";
import type { Node } from "../../node/node.ts";
import type { Process } from "../../node/process/process.ts";
import { Accounts } from "../_accounts.ts";
import { Charges } from "./_charges.ts";
import { Directory } from "./_directory.ts";
import { Locker } from "./_locker.ts";
import type { Watch } from "./_locks.ts";
import { Membership } from "./_membership.ts";
import {
  BadMessage,
  externalFrom,
  externalTerm,
  fields,
  GLOBAL,
  GLOBAL_NAME_SERVER,
  headOf,
  knownFrom,
  knownTerm,
  lockIdFrom,
  lockRequesterIn,
  namesFrom,
  nodeFrom,
  operationsFrom,
  pidFrom,
  tagFrom,
  VERSION,
} from "./_protocol.ts";
import { Registrar } from "./_registrar.ts";
import { Resolver } from "./_resolve.ts";

const YES = atom("yes");
const OK = atom("ok");
const STATE = atom("state");
const CONF = atom("conf");
const NO_TRACE = atom("no_trace");
const UNDEFINED = atom("undefined");
const BAD_REQUEST = atom("bad_request");
/** Milliseconds until `whereis` is asked again while names may change. */
const ASK_AGAIN = 100;

/** How a node takes part in `global`. */
export interface GlobalSettings {
  readonly connectAll: boolean;
  readonly preventOverlappingPartitions: boolean;
  /** Names and locks that the processes of one other node may have here. */
  readonly maxGlobalNames: number;
}

/**
 * The process `global_name_server`: it keeps names and locks, which the name servers of other nodes and the processes of this one ask
 * for, and exchanges them with nodes that connect.
 *
 * Whatever other nodes send is looked through before anything is done about it. What is no message of the protocol, or speaks for
 * another node than the one that has sent it, is logged and dropped; the answers are those of OTP.
 */
export class NameServer extends GenServer {
  /** @ignore @internal */
  readonly _essential = true;
  #accounts!: Accounts;
  #directory!: Directory;
  #resolver!: Resolver;
  #locker!: Locker;
  #registrar!: Registrar;
  #membership!: Membership;
  #settings!: GlobalSettings;
  /** The visible nodes that are connected now, whatever is still to be handled. */
  readonly #live: Set<string> = new Set();
  /** The hidden ones. */
  readonly #hidden: Set<string> = new Set();

  /** @param started is given the server, for those of this program that need not ask by messages. */
  override init(settings: GlobalSettings, started: (server: NameServer) => void): void {
    this.#settings = settings;
    const core = this._core;
    const watch: Watch = (pid, fn) => this.monitor(pid, fn);
    this.#accounts = new Accounts(settings.maxGlobalNames, (node) => this.#overdrawn(node));
    this.#directory = new Directory(watch, new Charges(this.node.name, this.#accounts));
    this.#resolver = new Resolver(this.node, this.#directory.names);
    this.#locker = new Locker(core, this.#directory.locks, (node, tag, requester) => {
      this.#post(() => this.#membership.lockIsSet(node, tag, requester));
    });
    this.#registrar = new Registrar(core, this.#directory.locks);
    const random = new DataView(core.platform.randomBytes(2).buffer).getUint16(0);
    this.#membership = new Membership(
      {
        ...settings,
        own: this.node.name,
        creation: core.creation + random * 2 ** 32, // a creation alone may come again
        now: () => core.platform.now(),
        cast: (node, message) => this.#cast(node, message),
        send: (node, message) => {
          if (this.#live.has(node)) this.#attempt(() => this.send(serverOn(node), message));
        },
        connect: (node) => this.node.connect(node),
        disconnect: (node) => void this.node.disconnect(node),
        post: (fn) => this.#post(fn),
        warn: (message) => core.platform.log("warning", `global at ${this.node.name} ${message}`),
      },
      this.#directory,
      this.#resolver,
      this.#locker,
    );
    const subscription = this.node._onNetwork((event) => this.#network(event));
    if (subscription !== null) this._process.own(subscription);
    started(this);
  }

  get directory(): Directory {
    return this.#directory;
  }

  get resolver(): Resolver {
    return this.#resolver;
  }

  get registrar(): Registrar {
    return this.#registrar;
  }

  /** Resolves when those nodes have the same names as this one, or are lost. */
  sync(nodes: readonly string[]): Promise<void> {
    return new Promise((resolve) => this.#post(() => this.#membership.sync(nodes, resolve)));
  }

  /** @ignore @internal Who has to answer for what is kept is told by the connection. */
  override _attach(node: Node, process: Process): void {
    super._attach(node, process);
    process.asksOrigin = true;
  }

  override handleCall(request: Term, from: From): unknown {
    try {
      return this.#called(request, from);
    } catch (error) {
      this.#bad(request, error);
      from.refuse(tuple(BAD_REQUEST, [], (error as Error).message) as unknown as Term);
      return noReply;
    }
  }

  override handleCast(request: Term): unknown {
    try {
      return this.#casted(request);
    } catch (error) {
      return this.#bad(request, error);
    }
  }

  override handleInfo(message: Term): unknown {
    try {
      return this.#told(message);
    } catch (error) {
      return this.#bad(message, error);
    }
  }

  #called(request: Term, from: From): unknown {
    switch (headOf(request)) {
      case "set_lock": {
        const [, id] = fields(request, 2);
        const { pid } = from;
        // Of a node that was lost meanwhile: to monitor who asks would connect with it again. He is answered all the same: should we be
        // wrong, he tries again, but without an answer he would wait for ever.
        const { origin } = this._process;
        return this.#isPresent(pid.node) && this.#directory.locks.set(lockIdFrom(id), pid, origin);
      }
      case "del_lock": {
        const [, id] = fields(request, 2);
        this.#directory.locks.delete(lockIdFrom(id), from.pid);
        return true;
      }
      case "register": {
        const [, name, pid, method] = fields(request, 4);
        const { origin } = this._process;
        this.#directory.insert({ name, pid: pidFrom(pid), method }, null, from, origin);
        return YES;
      }
      case "register_ext": {
        const [, name, pid, method, node] = fields(request, 5);
        const named = { name, pid: pidFrom(pid), method };
        this.#directory.insert(named, nodeFrom(node), from, this._process.origin);
        return YES;
      }
      case "unregister": {
        const [, name] = fields(request, 2);
        this.#directory.names.delete(name);
        return OK;
      }
      case "sync": {
        const [, nodes] = fields(request, 2);
        this.#membership.sync(nodesFrom(nodes), () => from.reply(OK));
        return noReply;
      }
      case "get_known":
        return knownTerm(this.#membership.known, 0);
      case "get_synced":
        return this.#membership.synced.map((node) => atom(node));
      case "get_names_ext":
        return externalTerm(this.#directory.names.external());
      case "get_protocol_version":
        return VERSION;
      case "info":
        return this.#info();
      case "disconnect":
        return this.#membership.disconnectAll().map((node) => atom(node));
      case "high_level_trace_start":
        return OK;
      case "high_level_trace_stop":
      case "high_level_trace_get":
        return [];
    }
    return super.handleCall(request, from);
  }

  #casted(request: Term): unknown {
    const membership = this.#membership;
    switch (headOf(request)) {
      case "init_connect": {
        const [, vsn, node, init] = fields(request, 4);
        // Later versions may have more elements.
        const [version, tag] = isTuple(vsn) ? vsn as unknown as Term[] : [];
        if (typeof version !== "number") {
          throw new BadMessage("the version must be a tuple of an integer and a tag");
        }
        const [, , , locker] = fields(init, 4);
        const him = this.#speaker(node);
        return membership.initConnect(him, version, tagFrom(tag), this.#pidOf(him, locker));
      }
      case "exchange": {
        const [, node, names, , tag] = fields(request, 5);
        return membership.exchange(this.#speaker(node), namesFrom(names), tag);
      }
      case "resolved": {
        const [, node, operations, known, , external, tag] = fields(request, 7);
        return membership.resolved(this.#speaker(node), {
          operations: operationsFrom(operations),
          known: knownFrom(known),
          external: externalFrom(external),
        }, tag);
      }
      case "new_nodes": {
        const [, node, operations, external, nodes, extra] = fields(request, 6);
        return membership.newNodes(this._process.origin ?? nodeFrom(node), {
          operations: operationsFrom(operations),
          external: externalFrom(external),
          nodes: knownFrom(nodes),
        }, lockRequesterIn(extra));
      }
      case "in_sync": {
        const [, node] = fields(request, 3);
        return membership.inSync(this.#speaker(node));
      }
      case "lock_set": {
        const [, pid, set, , tag] = isTuple(request) && request.length === 4
          ? request as readonly Term[]
          : fields(request, 5);
        if (typeof set !== "boolean") throw new BadMessage("it is set or it is not");
        return membership.lockSet(this.#pidOf(this._process.origin, pid), set, tag);
      }
      case "async_del_name": // what old nodes say (R13); monitors do it
      case "async_del_lock":
        return undefined;
    }
    return super.handleCast(request);
  }

  #told(message: Term): unknown {
    const membership = this.#membership;
    switch (headOf(message)) {
      case "init_connect_ack": {
        const [, node, myTag, hisTag] = fields(message, 4);
        return membership.initConnectAck(this.#speaker(node), myTag, hisTag);
      }
      case "cancel_connect": {
        const [, node, myTag] = fields(message, 3);
        return membership.cancelConnect(this.#speaker(node), myTag);
      }
      case "lost_connection": {
        const [, from, creation, operation, to] = fields(message, 5);
        // Passed on by all who hear of it, so that `from` is not who sends it.
        const [life, number] = [tagFrom(creation), tagFrom(operation)];
        return membership.lostConnection(nodeFrom(from), life, number, nodeFrom(to));
      }
      case "remove_connection": {
        const [, node] = fields(message, 2);
        return membership.removeConnection(this.#speaker(node));
      }
      case "whereis": {
        const [, name, from] = fields(message, 3);
        return this.#tellWhereis(name, fields(from, 2) as unknown as Tuple<[Pid, Term]>);
      }
    }
    return super.handleInfo(message);
  }

  /** The node that a message names as its sender. @throws {BadMessage} where another one has sent it. */
  #speaker(term: Term): string {
    const node = nodeFrom(term);
    const { origin } = this._process;
    if (origin === null || origin === node) return node;
    throw new BadMessage(`${origin} speaks for another node`);
  }

  /** A pid that has to be of that node; `null`: of any. */
  #pidOf(node: string | null, term: Term): Pid {
    const pid = pidFrom(term);
    if (node === null || pid.node === node) return pid;
    throw new BadMessage(`${node} speaks for a process of another node`);
  }

  /** What nodes of old ask in a message. */
  #tellWhereis(name: Term, from: Tuple<[Pid, Term]>): void {
    if (this.#directory.locks.isSet(GLOBAL)) {
      this.after(ASK_AGAIN, () => this.#tellWhereis(name, from));
    } else {
      pidFrom(from[0]);
      this.node.reply(from, this.#directory.names.get(name)?.pid ?? UNDEFINED);
    }
  }

  /** The state as global:info of OTP has it. */
  #info(): Term {
    const { connectAll, preventOverlappingPartitions } = this.#settings;
    const { known, synced } = this.#membership;
    return tuple(
      STATE,
      tuple(CONF, connectAll, preventOverlappingPartitions),
      new TermMap(known.map(([node, version]) => [atom(node), version] as const)),
      synced.map((node) => atom(node)),
      [],
      [],
      atom(this.node.name),
      this.#locker.pid,
      this.#registrar.pid,
      NO_TRACE,
      this.#directory.locks.globalLockDown,
    ) as unknown as Term;
  }

  #network(event: NodeEvent): void {
    const { node } = event;
    if (event.type === "nodeup" && event.hidden) {
      this.#hidden.add(node);
    } else if (event.type === "nodeup") {
      this.#live.add(node);
      this.#post(() => this.#membership.nodeUp(node));
    } else if (event.type === "nodedown") {
      this.#hidden.delete(node);
      const visible = this.#live.delete(node);
      this.#post(() => {
        this.#directory.lose(node);
        this.#accounts.reopen(node);
        if (visible) this.#membership.nodeDown(node);
        else this.#membership.hiddenDown(node);
      });
    }
  }

  /** Names that are not kept here would be missing: rather none of that node's are. */
  #overdrawn(node: string): void {
    this._core.platform.log(
      "error",
      `Connection with ${node} closed: its processes have as many global names and locks as they may, ${this.#settings.maxGlobalNames}; see option maxGlobalNames`,
    );
    this.node.disconnect(node);
  }

  #isPresent(node: string): boolean {
    return node === this.node.name || this.#live.has(node) || this.#hidden.has(node);
  }

  /** Runs `fn` as a message of this process, behind those that wait. */
  #post(fn: () => void): void {
    this._process.deliver(new Posted(fn));
  }

  #cast(node: string, message: Encodable): void {
    this.#attempt(() => this.cast(serverOn(node), message));
  }

  /** What one node is told may be too large for it, or for us: the others have nothing to do with that. */
  #attempt(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this._core.fault("Cannot tell a name server", error);
    }
  }

  #bad(message: Term, error: unknown): void {
    if (!(error instanceof BadMessage)) throw error;
    const text = format(message, { maxLength: 500 });
    this._core.platform.log("warning", `global dropped ${text}: ${error.message}`);
  }
}

class Posted extends Turn {
  readonly #fn: () => void;

  constructor(fn: () => void) {
    super();
    this.#fn = fn;
  }

  run(): void {
    this.#fn();
  }
}

function serverOn(node: string): { readonly name: string; readonly node: string } {
  return { name: GLOBAL_NAME_SERVER, node };
}

function nodesFrom(term: Term): string[] {
  if (!isList(term)) throw new BadMessage("a list of nodes was expected");
  return term.map(nodeFrom);
}
