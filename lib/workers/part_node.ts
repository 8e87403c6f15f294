import { checkFields } from "../_util/fields.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { CALL_TIMEOUT, type CallOptions } from "../node/call.ts";
import type { GlobalNames } from "../node/global_names.ts";
import type { LogEvent } from "../node/log/event.ts";
import { Node } from "../node/node.ts";
import type { NodeMonitoring } from "../node/remote/node_monitors.ts";
import { mfaOf } from "../node/remote/rpc.ts";
import { addressOf, checkPid, nodeOf, type Target } from "../node/target.ts";
import type { Platform } from "../platform/contract.ts";
import type { Settings } from "./_settings.ts";
import { globalNames } from "./_global_names.ts";
import type { Hub } from "./hub.ts";

/**
 * The node, as a process on a worker has it. Processes that it starts run on the same worker, and are processes of the node as all others.
 *
 * What the node itself has to decide is asked of its own thread; where the answer is needed at once (names) the worker stands still for it.
 */
export class PartNode extends Node {
  readonly #hub: Hub;

  constructor(hub: Hub, platform: Platform, settings: Settings, log: (event: LogEvent) => void) {
    super(settings.name, platform, {
      creation: settings.creation,
      copyMessages: settings.copyMessages,
      currentProcess: settings.currentProcess,
      env: Object.fromEntries(settings.env),
      terms: settings.terms,
      log: { level: settings.level, sinks: { node: log } },
      part: hub,
    });
    this.#hub = hub;
    this._core.global = globalNames(hub, this);
  }

  override get global(): GlobalNames {
    return this._core.global!;
  }

  override whereis(name: string): Pid | undefined {
    const here = super.whereis(name);
    if (here !== undefined) return here;
    return this.#hub.askNow("whereis", String(name)) as Pid | null ?? undefined;
  }

  override unregister(name: string): boolean {
    this._core.names.unregister(name);
    return this.#hub.askNow("unregister", String(name)) as boolean;
  }

  override registered(): string[] {
    return (this.#hub.askNow("registered") as Term[]).map(String);
  }

  override processes(): Pid[] {
    return this.#hub.askNow("processes") as Pid[];
  }

  override isAlive(pid: Pid): boolean {
    return super.isAlive(pid) || this.#hub.askNow("is_alive", checkPid("look for", pid)) === true;
  }

  override nodes(which: "visible" | "hidden" | "connected" = "connected"): string[] {
    return (this.#hub.askNow("nodes", which) as Term[]).map(String);
  }

  override async connect(node: string): Promise<void> {
    await this.#hub.ask("connect", node);
  }

  override disconnect(node: string): boolean {
    return this.#hub.askNow("disconnect", node) as boolean;
  }

  override async sendReady(
    target: Target,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    checkFields("wait for a node", options, { signal: true });
    const isNode = typeof target === "string" && target.includes("@");
    const node = isNode ? target : nodeOf(addressOf(target, this._core.global));
    if (node !== "" && node !== this.name) await this.#hub.ask("send_ready", node);
  }

  override async rpc(
    node: string,
    module: string,
    name: string,
    args: readonly Encodable[] = [],
    { timeout = CALL_TIMEOUT }: CallOptions = {},
  ): Promise<Term> {
    mfaOf(module, name, args);
    const time = timeout === Infinity ? null : timeout;
    return await this.#hub.ask("rpc", node, module, name, [...args], time);
  }

  override rpcCast(
    node: string,
    module: string,
    name: string,
    args: readonly Encodable[] = [],
  ): void {
    mfaOf(module, name, args);
    this.#ask("rpc_cast", node, module, name, [...args]);
  }

  override async spawnRemote(
    node: string,
    module: string,
    name: string,
    args: readonly Encodable[] = [],
    { timeout = CALL_TIMEOUT, link }: CallOptions & { readonly link?: Pid } = {},
  ): Promise<Pid> {
    mfaOf(module, name, args);
    const time = timeout === Infinity ? null : timeout;
    return await this.#hub.ask(
      "spawn_remote",
      node,
      module,
      name,
      [...args],
      time,
      link ?? null,
    ) as Pid;
  }

  override get _monitors(): NodeMonitoring {
    return {
      monitorNodes: ({ pid }, on, type) => this.#ask("monitor_nodes", pid, on, type),
      monitorNode: ({ pid }, node, on) => this.#ask("monitor_node", pid, node, on),
    };
  }

  /** The node is stopped where it was started. */
  override stop(): Promise<void> {
    return Promise.reject(this.#notHere("stop the node"));
  }

  override provide(): Disposable {
    throw this.#notHere("provide functions");
  }

  override setCookie(): void {
    throw this.#notHere("set a cookie");
  }

  override allow(): void {
    throw this.#notHere("allow nodes");
  }

  override stats(): never {
    throw this.#notHere("tell the figures of connections");
  }

  override events(): never {
    throw this.#notHere("tell what happens to the network");
  }

  override get applications(): never {
    throw this.#notHere("use applications");
  }

  override reloadCertificates(): Promise<void> {
    return Promise.reject(this.#notHere("take other certificates"));
  }

  override get _transport(): never {
    throw this.#notHere("use sockets");
  }

  /** Asks the node for something of which nobody is told what comes of it. */
  #ask(what: string, ...args: readonly Encodable[]): void {
    this.#hub.ask(what, ...args).catch((error) =>
      this._core.fault(`Cannot ask the node for ${what}`, error)
    );
  }

  #notHere(what: string): Error {
    return new Error(
      `Cannot ${what} on a worker: it is done where the node was started, send a message to a process there`,
    );
  }
}
