import { type Atom, atom } from "../etf/atom.ts";
import { decode } from "../etf/decoder.ts";
import { Pid, type Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import type { Core } from "../node/core.ts";
import type { NumberBlock } from "../node/numbers.ts";
import type { Outside, Part } from "../node/outside.ts";
import { type Process, processId, type Watcher } from "../node/process/process.ts";
import { blockOf } from "../node/references.ts";
import type { RemoteNode, RemoteNodes } from "../node/remote/remote_node.ts";
import { type Address, Name } from "../node/target.ts";
import type { ThreadPort } from "../platform/threads.ts";
import { failureOf } from "./_failures.ts";
import type { Mail } from "./_mail.ts";
import type { Settings } from "./_settings.ts";
import { SharedAnswer } from "./_shared_answer.ts";
import { OP } from "./_signals.ts";
import { FarNode } from "./far_node.ts";
import { PartNames } from "./part_names.ts";

/** Milliseconds after which a thread that stands still for an answer takes its node for dead. */
const PATIENCE = 60_000;

/** All that is around the part of a node on this thread: the node's own thread, and behind it the other threads and nodes. */
export class Hub implements Outside, RemoteNodes, Part {
  readonly mail: Mail;
  readonly names: PartNames = new PartNames(this);
  readonly pids: NumberBlock;
  readonly references: NumberBlock;
  readonly tail: number;
  #core: Core | null = null;
  readonly #own: FarNode;
  readonly #nodes: Map<string, FarNode> = new Map();
  readonly #watchers: Map<number, Watcher> = new Map();
  /** The blocks of numbers of references that are made here. */
  readonly #blocks: Set<number> = new Set();
  readonly #shared: SharedAnswer;
  readonly #asked: Map<number, { resolve(value: Term): void; reject(error: Error): void }> =
    new Map();
  #lastAsked = 0;

  constructor(mail: Mail, { data }: ThreadPort, settings: Settings) {
    this.mail = mail;
    this.pids = settings.pids;
    this.references = settings.references;
    this.tail = settings.tail;
    this.#blocks.add(blockOf(settings.references.first));
    this.#shared = new SharedAnswer(data.shared);
    this.#own = this.remote(settings.name);
  }

  get outside(): this {
    return this;
  }

  /** Gives it the part that it is around. */
  attach(core: Core): void {
    this.#core = core;
  }

  routeOf(address: Address): RemoteNode | null {
    const core = this.#core!;
    if (address instanceof Pid) {
      const isHere = address.creation === core.creation && core.processes.has(processId(address));
      return isHere ? null : this.#own;
    }
    if (address instanceof Name) return core.names.get(address.text) ? null : this.#own;
    return this.#blocks.has(blockOf(core.refNumber(address))) ? null : this.#own;
  }

  remote(node: string): FarNode {
    let far = this.#nodes.get(node);
    if (far === undefined) this.#nodes.set(node, far = new FarNode(this, atom(node)));
    return far;
  }

  /** What is known of a node is known on the node's own thread: here nothing is kept for it. */
  known(node: string): FarNode {
    return this.#nodes.get(node) ?? new FarNode(this, atom(node));
  }

  readonly morePids = (): NumberBlock => this.#block("pids");

  readonly moreReferences = (): NumberBlock => {
    const block = this.#block("references");
    this.#blocks.add(blockOf(block.first));
    return block;
  };

  spawned(process: Process): void {
    const { pid, parent, groupLeader } = process;
    this.mail.write(OP.SPAWNED, [pid, parent, groupLeader, classOf(process)]);
    for (const link of process.links) this.linked(pid, link);
  }

  /** Has the node give a process its name. One that is being started gets it before the node has heard of it otherwise. */
  register(process: Process, name: string): void {
    const isNew = !this.#core!.processes.has(process.id);
    this.askNow("register", process.pid, name, isNew ? classOf(process) : null);
  }

  linked(a: Pid, b: Pid): void {
    this.mail.write(OP.LINK, [a, b]);
  }

  unlinked(a: Pid, b: Pid): void {
    this.mail.write(OP.UNLINK, [a, b]);
  }

  failByName(server: Pid, caller: Pid, reason: Term): void {
    this.tellReason(OP.FAIL, [null, server, caller], reason);
  }

  ended(process: Process, reason: Term): void {
    this.tellReason(OP.ENDED, [process.pid], reason);
  }

  tellReason(op: number, fields: readonly Encodable[], reason: Term): void {
    this.mail.writeReason(op, fields, reason);
  }

  watch(ref: Ref, watcher: Watcher): void {
    this.#watchers.set(this.#core!.refNumber(ref), watcher);
  }

  /** @returns whether it was watched. */
  unwatch(ref: Ref): boolean {
    return this.#watchers.delete(this.#core!.refNumber(ref));
  }

  /** What was watched has ended. */
  down(ref: Ref, reason: Term): void {
    const number = this.#core!.refNumber(ref);
    const watcher = this.#watchers.get(number);
    this.#watchers.delete(number);
    watcher?.down(reason);
  }

  /**
   * Asks the node for something and stands still until it has answered: for what has to be known at once. What was sent before, it has
   * acted upon.
   */
  askNow(what: string, ...args: readonly Encodable[]): Term {
    const question = this.#shared.ask();
    this.mail.write(OP.ASK_NOW, [question], tuple(atom(what), ...args) as Encodable);
    this.mail.flush();
    const answered = this.#shared.wait(PATIENCE);
    if (answered === null) {
      throw new Error(
        `Cannot ask the node for ${what}: its own thread has done something else for a minute, do it on a worker`,
      );
    }
    const answer = decode(answered.bytes);
    if (!answered.ok) throw failureOf(answer);
    return answer;
  }

  /** Asks the node for something that may take its time. */
  ask(what: string, ...args: readonly Encodable[]): Promise<Term> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastAsked;
      this.mail.write(OP.ASK, [id], tuple(atom(what), ...args) as Encodable);
      this.#asked.set(id, { resolve, reject });
    });
  }

  answered(id: number, ok: boolean, answer: Term): void {
    if (!ok) return this.failed(id, failureOf(answer));
    this.#asked.get(id)?.resolve(answer);
    this.#asked.delete(id);
  }

  /** There is no answer. */
  failed(id: number, error: Error): void {
    this.#asked.get(id)?.reject(error);
    this.#asked.delete(id);
  }

  /** Says that this thread is there, and has done what came before. */
  checked(check: number): void {
    this.#shared.checked = check;
    this.mail.write(OP.CHECK, [check]);
  }

  busy(node: Atom, busy: boolean): void {
    this.remote(node.name).busy = busy;
  }

  #block(what: string): NumberBlock {
    const [first, end] = this.askNow(what) as unknown as [number, number];
    return { first, end };
  }
}

function classOf({ body }: Process): string {
  return body._class ?? body.constructor.name;
}
