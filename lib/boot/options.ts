import type { LogOptions } from "../node/log/node_logger.ts";
import { type FieldsOf, namesInstead } from "../_util/fields.ts";
import { isNodeName } from "../dist/node_name.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { ShellOptions } from "../kernel/shell/remote_shell.ts";
import type { AccessRule } from "../node/remote/access.ts";
import type { HandshakeLimits } from "../node/remote/admission.ts";
import { checkBusyPoll } from "../node/remote/busy_poll.ts";
import type { Platform } from "../platform/contract.ts";
import type { Transport } from "../transport/contract.ts";
import { checkTlsOption } from "../node/certificates.ts";
import type { TlsOption } from "../node/remote/tls_option.ts";
import { checkTerms } from "../node/terms_option.ts";
import { type ApplicationsOptions, checkApplications, checkShutdown } from "./applications.ts";
import { isBeyond, type NodeListen, placesOf } from "./listening.ts";
import { checkPort, checkRoutes, type Resolver, type Route } from "./routes.ts";
import type { SignalName } from "./signals.ts";
import { checkWorkers } from "./workers.ts";

/** How a node is started. Everything that it takes from outside enters here. */
export interface NodeOptions extends ApplicationsOptions {
  /**
   * The secret that nodes of a cluster share; for some peers another one where it is a function of the peer's name. Needed
   * unless `network` is false. One of under 12 bytes is refused where the node listens beyond this machine.
   */
  readonly cookie?: string | ((peer: string) => string);
  /** Accept a short cookie beyond this machine. Default false. */
  readonly allowWeakCookie?: boolean;
  /** `false`: the node is alone, and takes no socket of its own; its processes may (`TcpServer`, `Udp`). Default true. */
  readonly network?: boolean;
  /**
   * `true`: a full member of a visible cluster, which is drawn into its full mesh and takes part in `global`. Default: hidden.
   */
  readonly published?: boolean;
  /**
   * `false`: a published node does not connect with all nodes that those it is connected with know, and takes no part in `global`.
   * Should be the same on all nodes; `connect_all` of Erlang. Default true.
   */
  readonly connectAll?: boolean;
  /**
   * `false`: where a published node loses another one the rest of the cluster keeps it. Else whoever is lost by one node is disconnected
   * by all, so that no two parts of a cluster overlap. Should be the same on all nodes; `prevent_overlapping_partitions` of Erlang.
   * Default true.
   */
  readonly preventOverlappingPartitions?: boolean;
  /**
   * Global names and locks that the processes of one other node may have; one more closes the connection. A long name counts as several, one
   * for each 256 bytes. Default 262,144.
   */
  readonly maxGlobalNames?: number;
  /**
   * What some peers may do here, and others may not: the first rule that is for a peer counts. Default: every peer may send to every
   * process, as in Erlang, and run what was provided. Where there are rules and none is for a peer, it may do nothing.
   */
  readonly access?: readonly AccessRule[];
  /**
   * Where the node listens; a list for several places, as inside and outside of a firewall, each with its own cookie and TLS if need
   * be. Default: on loopback, at a port that the system chooses. `false`: it only connects.
   */
  readonly listen?: NodeListen | readonly NodeListen[] | false;
  /**
   * TLS with all other nodes, both ways (`erl -proto_dist inet_tls`). A peer that does not speak it is refused; so is a peer that
   * does where there is none. See {@linkcode NodeTls} and, for development, {@linkcode selfSigned}. Default: none.
   */
  readonly tls?: TlsOption;
  /**
   * Whether the node is registered with EPMD and looks others up there. Default: with the daemon of this machine, which is
   * embedded in this program where none runs. `false`: only `routes` are known.
   */
  readonly epmd?: { readonly port?: number; readonly hosts?: readonly string[] } | false;
  /**
   * The ways to some nodes, by name or pattern (`*@db.example.org`): a node's own name first, then the patterns in their order. What
   * has a port is not looked up.
   */
  readonly routes?: Readonly<Record<string, Route>>;
  /** Finds the way to nodes that have no route; EPMD is asked where it gives `null`. */
  readonly resolve?: Resolver;
  /** EPMD is not asked for other nodes, though the node is registered there. Default false. */
  readonly routesOnly?: boolean;
  /**
   * Nodes, and patterns of nodes, with which there may be a connection, whoever begins it: as `net_kernel:allow/1`. Default: all
   * that have the cookie.
   */
  readonly allow?: readonly string[];
  /**
   * A node that gives this one its name: it connects there at the start, and bears that name until it stops. Such a node is hidden
   * and does not listen, as one that is started with `erl -sname undefined`. It is called `undefined@HOST` before.
   */
  readonly nameFrom?: string;
  /** How many handshakes may be under way and may fail, so that strangers cannot wear the node out. */
  readonly handshakes?: HandshakeLimits;
  /**
   * Milliseconds without a sign of life after which a peer is taken for dead and its connection closed, up to a quarter more:
   * `net_ticktime` of Erlang, where it counts seconds. Should be the same on both ends. Default 60,000.
   */
  readonly tickTime?: number;
  /**
   * Bytes that a message may have, both ways. A larger one is refused where it is sent (`send` throws), and closes the connection
   * where it is received. Default 134,217,728 (128 MiB).
   */
  readonly maxMessage?: number;
  /**
   * Bytes that may wait to be sent to a node, as when it takes them more slowly than they come. What is sent beyond it is refused:
   * `send` and `cast` throw {@linkcode BusyError}, calls reject with it; `node.sendReady` tells when to go on. Default 268,435,456
   * (256 MiB), at least 1,048,576.
   */
  readonly maxQueue?: number;
  /**
   * Large messages of which a node may have sent only a part; one more closes its connection. Erlang sends one at a time for each
   * process. Default 1,024.
   */
  readonly maxSequences?: number;
  /** Bytes that have come of such messages, for each connection; more close it. Default eight times `maxMessage`, which is 1 GiB. */
  readonly maxSequenceBytes?: number;
  /**
   * Microseconds, 10,000 at most, for which the node looks for the next message of another node, again and again, instead of sleeping until it
   * comes: after a message has come, and after a call to another node. A call can wait less for its answer then, where both
   * nodes have a core of their own; the node's core is busy meanwhile. It helps where the answer comes within that time. Where looking finds nothing several times in a
   * row the node stops it, and begins again when messages come closely, so that an idle node takes no time. On Deno it changes nothing: its
   * event loop looks at sockets only when it sleeps. Default 0, which is off.
   */
  readonly busyPoll?: number;
  /** How messages from other nodes are decoded. Default: each type of term as itself, see {@linkcode DecodeOptions}. */
  readonly terms?: DecodeOptions;
  /** Whether {@linkcode currentProcess} knows whose code runs. It costs something for each message, see there. Default false. */
  readonly currentProcess?: boolean;
  /** Values that processes find by name, see {@linkcode ProcessEnv}; `node.env` sets more. */
  readonly env?: Readonly<Record<string, unknown>>;
  /**
   * On how many threads besides its own the node can run processes, by `node.start(new URL("./w.ts", import.meta.url), args)` and
   * `child(new URL(...), args)`: for work that keeps a core busy, as many as there are cores. Each starts when it is first needed. A thread
   * that ends takes all of its processes with it, each of which counts against the `intensity` of its supervisor. Under
   * Deno such modules have to be readable (`--allow-read`). Default 0.
   */
  readonly workers?: number;
  /** Sends local messages through the codec too, so that tests find out who relies on sharing. Default false. */
  readonly copyMessages?: boolean;
  /**
   * Takes what code prints that this program runs on other nodes (`spawnRemote`, `rpc`), and whatever else uses this node's group leader.
   * A promise holds back those who print. Default: standard output.
   */
  readonly output?: (text: string) => void | Promise<void>;
  /** What is logged, from which level on, and where it is written. Default: level "info", lines of text to standard error. */
  readonly log?: LogOptions;
  /**
   * Opens a JavaScript shell of this program to `erl -remsh` and `iex --remsh`. **Whoever has the cookie can then run any code in
   * this program**, with all its rights; `access` can say who may call `shell:start`. What `scope` holds can be used by name there.
   * Default: off.
   */
  readonly shell?: boolean | ShellOptions;
  /**
   * Signals that stop the node in order; `true` is SIGTERM alone, `["SIGTERM", "SIGINT"]` is Ctrl-C too. The program then comes to its end by
   * itself; where it does not it is ended a second after the time that `shutdown` gives. A second signal ends it at once. With `false` the node leaves the
   * program's exit code alone, too, which else is 1 where a permanent application has ended. Default true.
   */
  readonly signals?: boolean | readonly SignalName[];
  /**
   * Stops a node of the same name first that runs in this program: for programs whose modules are evaluated again in the same
   * process. Default: true with `bun --hot`.
   */
  readonly replace?: boolean;
  /**
   * Capabilities that this node does not tell its peers of, by the names that the distribution protocol gives its flags: for tests of
   * how a cluster does without them. Default: none.
   */
  readonly withoutFlags?: readonly string[];
  /** Clock, timers, randomness and signals. Default: the runtime's. */
  readonly platform?: Platform;
  /** Sockets. Default: the runtime's. */
  readonly transport?: Transport;
}

/** Every option, so that a misspelt one is not taken for the default, with the types that it may have. */
const OPTIONS: Readonly<Record<keyof NodeOptions, readonly string[]>> = {
  cookie: ["string", "function"],
  allowWeakCookie: ["boolean"],
  network: ["boolean"],
  published: ["boolean"],
  connectAll: ["boolean"],
  preventOverlappingPartitions: ["boolean"],
  maxGlobalNames: ["number"],
  access: ["array"],
  listen: ["object", "array", "false"],
  tls: ["object", "function"],
  epmd: ["object", "false"],
  routes: ["object"],
  handshakes: ["object"],
  nameFrom: ["string"],
  allow: ["array"],
  routesOnly: ["boolean"],
  resolve: ["function"],
  tickTime: ["number"],
  maxMessage: ["number"],
  maxQueue: ["number"],
  maxSequences: ["number"],
  maxSequenceBytes: ["number"],
  busyPoll: ["number"],
  withoutFlags: ["array"],
  terms: ["object"],
  currentProcess: ["boolean"],
  env: ["object"],
  copyMessages: ["boolean"],
  workers: ["number"],
  output: ["function"],
  log: ["object"],
  shell: ["boolean", "object"],
  applications: ["array"],
  config: ["object"],
  shutdown: ["object"],
  signals: ["boolean", "array"],
  replace: ["boolean"],
  platform: ["object"],
  transport: ["object"],
};

const WEAK_COOKIE = 12;

/** Those that a node without a network has no use for. */
const NETWORKING = ["published", "tls", "routes", "resolve", "routesOnly", "nameFrom"] as const;

/**
 * Refuses what cannot be meant.
 *
 * @throws {TypeError | RangeError}
 */
export function checkOptions(options: NodeOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot start a node: its options must be an object, as { cookie }");
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw wrong(name, `there is no such option, ${namesInstead(name, Object.keys(OPTIONS))}`);
    }
    if (value === undefined) continue;
    const kinds = OPTIONS[name as keyof NodeOptions];
    if (!kinds.includes(kindOf(value)) && !(value === false && kinds.includes("boolean"))) {
      throw wrong(name, `it must be of type ${kinds.join(" or ")}`);
    }
  }
  const { maxGlobalNames = 1 } = options;
  if (!(maxGlobalNames >= 1)) throw wrong("maxGlobalNames", "a number of at least 1 is needed");
  if (options.busyPoll !== undefined) checkBusyPoll(options.busyPoll);
  if (options.epmd) checkNames("epmd", options.epmd, EPMD);
  if (options.terms !== undefined) checkTerms("start a node", options.terms, "node");
  if (options.workers !== undefined) checkWorkers(options.workers);
  checkApplications(options);
  if (options.shutdown !== undefined) checkShutdown(options.shutdown);
  if (options.network === false) {
    const useless = NETWORKING.find((name) =>
      options[name] !== undefined && options[name] !== false
    );
    if (useless !== undefined) {
      throw wrong(useless, "it has { network: false }, leave one of them out");
    }
    return;
  }
  const { epmd, tls, routes, allow, nameFrom, handshakes, routesOnly, listen } = options;
  if (epmd && epmd.port !== undefined) checkPort("ask EPMD there", epmd.port, 1);
  if (tls !== undefined) checkTlsOption("start a node with option tls", tls);
  if (routes !== undefined) checkRoutes(routes);
  if (routesOnly && routes === undefined && options.resolve === undefined) {
    throw wrong("routesOnly", "it would find no node, give { routes } or { resolve } too");
  }
  if (allow?.some((node) => typeof node !== "string")) {
    throw wrong("allow", "it must be a list of node names");
  }
  if (handshakes !== undefined) checkLimits(handshakes);
  if (nameFrom === undefined) return;
  if (!isNodeName(nameFrom)) {
    throw wrong("nameFrom", `${nameFrom} is no node name, it must be name@host`);
  }
  if (options.published) throw wrong("nameFrom", "such a node is hidden, leave out { published }");
  if (listen) throw wrong("nameFrom", "such a node does not listen, leave out { listen }");
}

/**
 * The cookie that a node has in common with its peers; `null` where it has no network.
 *
 * @throws {TypeError} if there is none.
 * @throws {RangeError} if it is too short for a node that others can reach.
 */
export function cookieOf(options: NodeOptions): ((peer: string) => string) | null {
  const { cookie } = options;
  if (options.network === false) return null;
  if (cookie === undefined || cookie === "") {
    throw new TypeError(
      "Cannot start a node without a cookie: give { cookie }, the secret that its cluster shares, or { network: false }",
    );
  }
  for (const place of options.nameFrom === undefined ? placesOf(options.listen) : []) {
    const secret = place.cookie ?? cookie;
    if (typeof secret === "function" || !isBeyond(place) || options.allowWeakCookie) continue;
    if (secret.length >= WEAK_COOKIE) continue;
    throw new RangeError(
      `Cannot start a node on ${place.host} with a cookie of under ${WEAK_COOKIE} bytes: it can be guessed, take a longer one or { allowWeakCookie: true }`,
    );
  }
  return typeof cookie === "function" ? cookie : () => cookie;
}

const EPMD: FieldsOf<Exclude<NonNullable<NodeOptions["epmd"]>, false>> = {
  port: true,
  hosts: true,
};

/** Of an option that is an object. */
function checkNames(
  option: string,
  value: object,
  fields: Readonly<Record<string, unknown>>,
): void {
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(fields, name)) continue;
    throw wrong(option, `it has no ${name}, ${namesInstead(name, Object.keys(fields))}`);
  }
}

const LIMITS: Readonly<Record<keyof HandshakeLimits, "number" | "boolean">> = {
  max: "number",
  maxPerAddress: "number",
  failures: "number",
  forgiveness: "number",
  loopback: "boolean",
};

function checkLimits(limits: HandshakeLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    const type = Object.hasOwn(LIMITS, name) ? LIMITS[name as keyof HandshakeLimits] : undefined;
    if (type === undefined) {
      throw wrong("handshakes", `it has no ${name}, ${namesInstead(name, Object.keys(LIMITS))}`);
    }
    if (value === undefined) continue;
    if (type === "boolean" ? typeof value !== "boolean" : !(Number.isInteger(value) && value > 0)) {
      const needed = type === "boolean" ? "true or false" : "a whole number of at least 1";
      throw wrong("handshakes", `its ${name} must be ${needed}`);
    }
  }
}

function kindOf(value: unknown): string {
  if (value === false) return "false";
  if (Array.isArray(value)) return "array";
  return value === null ? "null" : typeof value;
}

function wrong(option: string, why: string): TypeError {
  return new TypeError(`Cannot start a node with option ${option}: ${why}`);
}
