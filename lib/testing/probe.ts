import { checkFields } from "../_util/fields.ts";
import { format } from "../etf/format.ts";
import type { Pid } from "../etf/identifiers.ts";
import { noMatch } from "../etf/schema/no_match.ts";
import { type AnySchema, type Output, Schema } from "../etf/schema/schema.ts";
import * as t from "../etf/schema/t.ts";
import type { Encodable, Term } from "../etf/term.ts";
import type { Tuple } from "../etf/tuple.ts";
import { Call, type CallOptions, Cast } from "../node/call.ts";
import { Node } from "../node/node.ts";
import type { ExitReason } from "../node/process/body.ts";
import { ReceiveTimeoutError, type Self } from "../node/process/self.ts";
import type { Target } from "../node/target.ts";
import { checkNumber } from "./_check.ts";

/** How a probe is started. */
export interface ProbeOptions {
  /** The name that it is registered by: what stands in for a server is found by its name. */
  readonly register?: string;
}

/** How long a probe waits. */
export interface ProbeWait {
  /** Milliseconds, of the node's time. Default 1,000, of `receiveNothing` 100. */
  readonly timeout?: number;
}

/** A call that has come to a probe, which may answer it. */
export interface ProbeCall<T> {
  /** Who calls. */
  readonly from: Pid;
  /** What it asks for, parsed. */
  readonly request: T;
  /** Answers. */
  reply(value: Encodable): void;
}

/** What a probe that waited in vain says. */
export class ProbeError extends Error {
  /** Tells the class apart where `instanceof` cannot: across two copies of this package. */
  override readonly name = "ProbeError";

  /** @ignore @internal */
  constructor(message: string) {
    super(message);
  }
}

const CALL = t.tuple(t.atom("$gen_call"), t.tuple(t.pid, t.term), t.term);
const SHOWN = 20;

/**
 * Starts a process that is looked at by a test: it keeps what comes until the test asks for it.
 *
 * It traps exits: those of linked processes come as `{'EXIT', Pid, Reason}`. It ends with its node, at once.
 *
 * @example
 * ```ts
 * import { probe, startNode, t } from "@ergo-ts/ergo";
 *
 * await using node = await startNode("test@localhost", { network: false });
 * const listener = await probe(node);
 * node.send(listener.pid, 7);
 * console.log(await listener.receive(t.integer)); // 7
 * await listener.receiveNothing({ timeout: 10 });
 * ```
 *
 * @throws {NameError} if the name is taken.
 */
// deno-lint-ignore require-await -- what goes wrong is to be a rejection, on every node
export async function probe(node: Node, options: ProbeOptions = {}): Promise<Probe> {
  if (!(node instanceof Node)) {
    throw new TypeError("Cannot start a probe: the node is needed that it is to run on");
  }
  checkFields("start a probe", options, { register: 0 });
  const { register } = options;
  // Its function never ends: the probe lives until its node stops.
  const forever = function probe(): Promise<never> {
    return new Promise(() => {});
  };
  const process = node._spawn(forever, {
    trapExit: true,
    ...register === undefined ? {} : { register },
  });
  // It has nothing to do first: a node that stops need not wait for it.
  process.shutDown = (_from, reason) => process.exit(reason);
  return new Probe(node, process.body as Self);
}

/** A process that is looked at by a test, see {@linkcode probe}. */
export class Probe {
  /** The node that it runs on. */
  readonly node: Node;
  readonly #self: Self;
  readonly #came: Term[] = [];

  /** @ignore @internal Use {@linkcode probe}. */
  constructor(node: Node, self: Self) {
    this.node = node;
    this.#self = self;
    const receive = self._receive;
    self._receive = (message, priority) => {
      const term = message instanceof Call || message instanceof Cast ? message.message() : message;
      this.#came.push(term as Term);
      receive.call(self, message, priority);
    };
  }

  /** Its pid, to send to. */
  get pid(): Pid {
    return this.#self.pid;
  }

  /** All that has come so far, in order, also what was taken. */
  get messages(): readonly Term[] {
    return this.#came;
  }

  /**
   * Takes the next message; with a schema the first that it matches, parsed: the others stay.
   *
   * @throws {ProbeError} if none has come in time, with what has come instead.
   */
  receive(options?: ProbeWait): Promise<Term>;
  /** The first message that the schema matches; the others stay. */
  receive<S extends AnySchema>(schema: S, options?: ProbeWait): Promise<Output<S>>;
  async receive(schema?: AnySchema | ProbeWait, options?: ProbeWait): Promise<unknown> {
    const timeout = timeoutOf(schema instanceof Schema ? options : schema, 1_000);
    try {
      return schema instanceof Schema
        ? await this.#self.receive(schema, { timeout })
        : await this.#self.receive({ timeout });
    } catch (error) {
      if (!(error instanceof ReceiveTimeoutError)) throw error;
      const what = schema instanceof Schema ? schema.expected : "nothing";
      const none = schema instanceof Schema ? `no ${what} has come` : "nothing has come";
      throw new ProbeError(`Cannot receive: ${none} within ${timeout} ms; ${this.#all()}`);
    }
  }

  /**
   * Waits, and looks whether anything comes; or anything that the schema matches.
   *
   * @throws {ProbeError} if something does, or was there already. It is taken then.
   */
  receiveNothing(options?: ProbeWait): Promise<void>;
  /** Waits, and looks whether anything comes that the schema matches. */
  receiveNothing(schema: AnySchema, options?: ProbeWait): Promise<void>;
  async receiveNothing(schema?: AnySchema | ProbeWait, options?: ProbeWait): Promise<void> {
    const timeout = timeoutOf(schema instanceof Schema ? options : schema, 100);
    let came: unknown;
    try {
      came = schema instanceof Schema
        ? await this.#self.receive(schema, { timeout })
        : await this.#self.receive({ timeout });
    } catch (error) {
      if (error instanceof ReceiveTimeoutError) return;
      throw error;
    }
    throw new ProbeError(`Cannot see that nothing comes: ${format(came as Term)} has come`);
  }

  /**
   * Takes the next call, as `GenServer.call` makes it, so that the probe stands in for a server.
   *
   * @throws {ProbeError} if none has come in time.
   */
  receiveCall(options?: ProbeWait): Promise<ProbeCall<Term>>;
  /**
   * Takes the next call, whose request the schema has to match.
   *
   * @throws {ProbeError} if none has come in time, or another one.
   */
  receiveCall<S extends AnySchema>(
    schema: S,
    options?: ProbeWait,
  ): Promise<ProbeCall<Output<S>>>;
  async receiveCall(
    schema?: AnySchema | ProbeWait,
    options?: ProbeWait,
  ): Promise<ProbeCall<unknown>> {
    const which = schema instanceof Schema ? schema : t.term;
    const [, from, request] = await this.receive(CALL, schema instanceof Schema ? options : schema);
    const parsed = which.tryParse(request);
    if (parsed === noMatch) {
      throw new ProbeError(
        `Cannot take the call: ${format(request as Term)} came, ${which.expected} is needed`,
      );
    }
    const address = from as unknown as Tuple<[Pid, Term]>;
    return {
      from: address[0],
      request: parsed,
      reply: (value) => this.node._core.reply(address, value, this.#self._process),
    };
  }

  /** Sends in the name of the probe. */
  send(target: Target, message: Encodable): void {
    this.#self.send(target, message);
  }

  /** Calls a server in the name of the probe. */
  call(target: Target, request: Encodable, options?: CallOptions): Promise<Term> {
    return this.#self.call(target, request, options);
  }

  /** Watches a process: `{'DOWN', Ref, process, Pid, Reason}` comes when it ends. */
  monitor(target: Target): void {
    this.#self.monitor(target);
  }

  /** Links to a process: `{'EXIT', Pid, Reason}` comes when it ends. */
  link(pid: Pid): void {
    this.#self.link(pid);
  }

  /** Ends the probe; those that are linked to it get the reason as an exit signal. */
  exit(reason: ExitReason): void {
    this.#self._process.exit(reason);
  }

  #all(): string {
    const all = this.#came;
    if (all.length === 0) return "nothing has come at all";
    const shown = all.slice(-SHOWN).map((message) => format(message, { maxLength: 200 }));
    return `${all.length} messages have come in all, the last of them: ${shown.join(" ")}`;
  }
}

/** What is neither a schema nor a time is refused. */
function timeoutOf(wait: ProbeWait | undefined, usual: number): number {
  if (wait === undefined) return usual;
  const what = "wait for a message";
  checkFields(what, wait, { timeout: 0 });
  checkNumber(what, "timeout", wait.timeout);
  return wait.timeout ?? usual;
}
