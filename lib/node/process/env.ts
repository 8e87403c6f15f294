import type { AnySchema, Output } from "../../etf/schema/schema.ts";

/** The values of an environment. They are never changed, only replaced, so that processes can share them. */
export type Env = ReadonlyMap<string, unknown>;

const EMPTY: Env = new Map();

/** Where an environment is kept. */
export interface EnvPlace {
  env: Env | null;
}

/**
 * Values by name that a process finds without being told: those of its own, those that its parent had when it was started, and
 * those of the node. Values are any JavaScript values; they stay in this program.
 *
 * - A process inherits the environment of the process that it is started with a link to (`link`), as it is at that moment.
 * - What is set counts for this process and for what it starts from then on.
 * - Values of the node are looked up last, and each time anew. A worker has those that the node had when the worker's thread began, as far as
 *   they are terms; what is set there counts there.
 *
 * @example
 * ```ts
 * import { GenServer, startNode, t } from "@ergo-ts/ergo";
 *
 * class Fetcher extends GenServer {
 *   override readonly calls = { retries: () => this.env.get("retries", t.integer.default(3)) };
 * }
 *
 * await using node = await startNode("demo@localhost", { cookie: "secret" });
 * node.env.set("retries", 5);
 * const fetcher = await node.start(Fetcher, [], { env: { retries: 1 } });
 * await fetcher.call("retries"); // 1
 * ```
 */
export class ProcessEnv {
  readonly #place: EnvPlace;
  readonly #outer: EnvPlace | null;

  /** @ignore @internal @param outer where it is looked up what is not in `place`. */
  constructor(place: EnvPlace, outer: EnvPlace | null) {
    this.#place = place;
    this.#outer = outer;
  }

  /** The value of that name; `undefined` where there is none. */
  get(name: string): unknown;
  /**
   * The value of that name, parsed. Where there is none, the schema decides: `.optional()` and `.default(value)` take that.
   *
   * @throws {SchemaError} if it does not match.
   */
  get<S extends AnySchema>(name: string, schema: S): Output<S>;
  get(name: string, schema?: AnySchema): unknown {
    const value = this.#place.env?.has(name)
      ? this.#place.env.get(name)
      : this.#outer?.env?.get(name);
    return schema === undefined ? value : schema.parse(value);
  }

  /** Sets a value: `undefined` takes it back, so that what is inherited from the node counts again. */
  set(name: string, value: unknown): void {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot set a value of the environment: its name is a ${typeof name}`);
    }
    const env = new Map(this.#place.env);
    if (value === undefined) env.delete(name);
    else env.set(name, value);
    this.#place.env = env;
  }

  /** The names that have a value. */
  get names(): string[] {
    return [...new Set([...this.#place.env?.keys() ?? [], ...this.#outer?.env?.keys() ?? []])];
  }
}

/** The environment that a process begins with: its parent's, and what was given for it. */
export function startEnv(
  parent: Env | null,
  given: Readonly<Record<string, unknown>> | undefined,
): Env | null {
  if (given === undefined) return parent;
  checkEnv(given);
  return new Map([...parent ?? EMPTY, ...Object.entries(given)]);
}

/** @throws {TypeError} if it is no environment to start a process with. */
export function checkEnv(given: unknown): void {
  if (typeof given === "object" && given !== null && !(Symbol.iterator in given)) return;
  const came = typeof given !== "object"
    ? `a ${typeof given}`
    : given === null
    ? "null"
    : "a list or a map";
  throw new TypeError(
    `Cannot start a process: option env is ${came}, an object of values by name is needed`,
  );
}
