import type { DecodeOptions } from "../../etf/options.ts";
import type { Term } from "../../etf/term.ts";
import { ProcessExitedError } from "../errors.ts";
import type { Home } from "./body.ts";
import { fail } from "./_ending.ts";
import type { Hibernation, IdleTimeout } from "./idle_timeout.ts";
import type { Lanes } from "./mailbox.ts";
import type { MailboxLimit } from "./mailbox_limit.ts";
import type { Env } from "./env.ts";

/** What few processes have. It is made when it is first needed, so that the others do not carry it, and their messages do not look at it. */
export class Rare {
  name: string | null = null;
  /** Why it ends when the message is done that it handles now; `null` where nobody has asked it to. */
  stop: { readonly reason: Term } | null = null;
  terms: DecodeOptions | null = null;
  spawner: string | null = null;
  asksOrigin = false;
  origin: string | null = null;
  env: Env | null = null;
  aliases: Set<number> | null = null;
  /** Those of them by which others may send urgent messages. */
  urgentAliases: Set<number> | null = null;
  abort: AbortController | null = null;
  /** What has come while the process is suspended; `null` where it is not. */
  held: unknown[] | null = null;
  lanes: Lanes | null = null;
  limit: MailboxLimit | null = null;
  idle: IdleTimeout | null = null;
  /** What lets it hibernate when nothing comes for a while. */
  hibernation: Hibernation | null = null;
  /** Whether it gives back what it does not need while it waits. */
  hibernates = false;

  /** The process has ended. */
  end(home: Home, reason: Term): void {
    this.abort?.abort(new ProcessExitedError("go on", reason));
    if (this.idle !== null) home.clearDeadline(this.idle);
    if (this.hibernation !== null) home.clearDeadline(this.hibernation);
    this.limit?.tell();
    if (this.held !== null) { for (const message of this.held) fail(message, reason); }
    if (this.lanes !== null) { for (const message of this.lanes) fail(message, reason); }
  }
}

/** How a process gets at what few processes have. */
export abstract class WithRare {
  /** @internal */
  _rare: Rare | null = null;

  /** The registered name; a process has at most one. */
  get name(): string | null {
    return this._rare === null ? null : this._rare.name;
  }

  set name(name: string | null) {
    (this._rare ??= new Rare()).name = name;
  }

  addAlias(number: number): void {
    ((this._rare ??= new Rare()).aliases ??= new Set()).add(number);
  }

  /** The numbers of the aliases by which other nodes may send urgent messages; `null` where there are none. */
  get urgentAliases(): ReadonlySet<number> | null {
    return this._rare === null ? null : this._rare.urgentAliases;
  }

  addUrgentAlias(number: number): void {
    this.addAlias(number);
    (this._rare!.urgentAliases ??= new Set()).add(number);
  }

  removeAlias(number: number): boolean {
    this._rare?.urgentAliases?.delete(number);
    return this._rare?.aliases?.delete(number) ?? false;
  }

  /** The numbers of the aliases that lead to this process; `null` where there are none. */
  get aliases(): ReadonlySet<number> | null {
    return this._rare === null ? null : this._rare.aliases;
  }

  /** How payloads for this process are decoded; `null` is the node's way. */
  get terms(): DecodeOptions | null {
    return this._rare === null ? null : this._rare.terms;
  }

  set terms(terms: DecodeOptions | null) {
    (this._rare ??= new Rare()).terms = terms;
  }

  /** The node that asked for it, where it is another one: what it runs is run for that node. */
  get spawner(): string | null {
    return this._rare === null ? null : this._rare.spawner;
  }

  set spawner(node: string | null) {
    (this._rare ??= new Rare()).spawner = node;
  }

  /**
   * Whether it acts in the name of whoever sends to it: then `origin` is the peer whose message is handled now, as its connection
   * knows it, until the handler returns or first waits. What a message says of its sender anybody can write.
   */
  get asksOrigin(): boolean {
    return this._rare !== null && this._rare.asksOrigin;
  }

  set asksOrigin(asks: boolean) {
    (this._rare ??= new Rare()).asksOrigin = asks;
  }

  get origin(): string | null {
    return this._rare === null ? null : this._rare.origin;
  }

  set origin(peer: string | null) {
    (this._rare ??= new Rare()).origin = peer;
  }

  /** Values that it finds by name, its parent's among them; `null` where there are none. */
  get env(): Env | null {
    return this._rare === null ? null : this._rare.env;
  }

  set env(env: Env | null) {
    (this._rare ??= new Rare()).env = env;
  }

  /** How many messages may wait; `null` where any number may. */
  get limit(): MailboxLimit | null {
    return this._rare === null ? null : this._rare.limit;
  }

  set limit(limit: MailboxLimit | null) {
    (this._rare ??= new Rare()).limit = limit;
  }

  get idleTimeout(): IdleTimeout | null {
    return this._rare === null ? null : this._rare.idle;
  }

  /** Whether it has given back what it does not need while it waits. */
  get hibernates(): boolean {
    return this._rare !== null && this._rare.hibernates;
  }
}
