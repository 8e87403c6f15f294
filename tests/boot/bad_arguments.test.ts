// Every public function with arguments that it cannot mean: what is thrown must say what is needed, and not be the engine's own
// "Cannot read properties of undefined". Programs without types have nothing else.
import { setImmediate as macrotask } from "node:timers/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import * as mod from "../../mod.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const { atom, GenServer, startNode, tuple } = mod;

/** What V8 and JavaScriptCore say of values that are not what they are used as. */
const RAW =
  /Cannot (read|set) propert|is not a function|(undefined|null) is not|is not iterable|not an object|Cannot destructure|Right-hand side|Cannot use 'in'|is not a constructor|private (member|field|name)|incompatible|Cannot convert|Class constructor|Spread syntax|is not callable|Maximum call stack|right side of|evaluating '|must be of type|is not of type/;

/** What ends the node, the process or the program, or needs a network. */
const LEFT_OUT = new Set(["constructor", "startNode", "stop", "unref", "then"]);

const BAD: readonly unknown[] = [undefined, null, 5, "x", {}, [], () => {}, true];

interface Fault {
  readonly where: string;
  readonly message: string;
}

/** Calls functions and keeps what they throw that nobody has thought of. */
class Sweep {
  readonly faults: Map<string, Fault> = new Map();
  readonly #good: readonly unknown[];
  calls = 0;

  /** @param good what some of the functions take. */
  constructor(good: readonly unknown[]) {
    this.#good = good;
  }

  async function(where: string, fn: (...args: unknown[]) => unknown): Promise<void> {
    const all = [...BAD, ...this.#good];
    this.#call(where, fn, []);
    for (const first of all) {
      this.#call(where, fn, [first]);
      for (const second of all) this.#call(where, fn, [first, second]);
    }
    for (const first of this.#good) {
      for (const second of all) {
        for (const third of BAD) this.#call(where, fn, [first, second, third]);
      }
    }
    await macrotask();
  }

  async methods(where: string, object: object): Promise<void> {
    const names = new Set<string>();
    for (let of = object; of !== Object.prototype && of !== null; of = Object.getPrototypeOf(of)) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(of))) {
        if (typeof value === "function" && !name.startsWith("_") && !LEFT_OUT.has(name)) {
          names.add(name);
        }
      }
    }
    const methods = object as Record<string, (...args: unknown[]) => unknown>;
    for (const name of names) {
      await this.function(`${where}.${name}`, (...args) => methods[name](...args));
    }
  }

  #call(where: string, fn: (...args: unknown[]) => unknown, args: readonly unknown[]): void {
    this.calls++;
    try {
      const given = fn(...args) as Partial<PromiseLike<unknown> & Disposable & Iterator<unknown>>;
      if (typeof given !== "object" || given === null) return;
      if (given instanceof Promise) given.then(undefined, (error) => this.#thrown(where, error));
      else if (typeof given.return === "function") given.return();
      else given[Symbol.dispose]?.();
    } catch (error) {
      this.#thrown(where, error);
    }
  }

  #thrown(where: string, error: unknown): void {
    if (!(error instanceof TypeError || error instanceof ReferenceError)) return;
    if (/^Cannot (?!read|set prop|destructure|use 'in'|convert)/.test(error.message)) return;
    if (RAW.test(error.message)) this.faults.set(where, { where, message: error.message });
  }
}

class Echo extends GenServer {
  override readonly calls = { echo: () => 1 };
}

test("bad arguments get an error that says what is needed", async () => {
  const platform = { ...await defaultPlatform(), log: () => {} };
  await using node = await startNode("sweep@localhost", {
    network: false,
    signals: false,
    platform,
    output: () => {},
  });
  const pid = node.spawn((self) => self.receive());
  const ref = await node.start(Echo, []);
  const sweep = new Sweep([node, pid, atom("a"), tuple(1, 2)]);
  for (const [name, value] of Object.entries(mod) as [string, unknown][]) {
    if (LEFT_OUT.has(name)) continue;
    if (typeof value === "function") {
      if (/^class\b/.test(Function.prototype.toString.call(value))) continue; // made by others, or extended
      await sweep.function(name, value as () => unknown);
    } else if (name === "t" || name === "sys" || name === "io" || name === "logger") {
      for (const [member, fn] of Object.entries(value as object)) {
        if (typeof fn === "function") await sweep.function(`${name}.${member}`, fn);
      }
    }
  }
  const self = await new Promise<mod.Self>((resolve) =>
    void node.spawn((self) => {
      resolve(self);
      return self.sleep(1e9);
    })
  );
  await sweep.methods("node", node);
  await sweep.methods("self", self);
  await sweep.methods("ref", ref);
  await sweep.methods("node.global", node.global);
  assert(sweep.calls > 20_000);
  const faults = [...sweep.faults.values()].map(({ where, message }) => `${where}: ${message}`);
  assertEquals(faults, []);
});

test("what an engine says of itself is told apart from what we say", async () => {
  const sweep = new Sweep([]);
  const careless: Readonly<Record<string, (value: never) => unknown>> = {
    field: (value: { a: { b: number } }) => value.a.b,
    call: (value: { f(): void }) => value.f(),
    later: async (value: { a: { b: number } }) => await value.a.b,
    spread: (value: number[]) => Math.max(...value),
    destructured: ({ a: { b } }: { a: { b: number } }) => b,
    in: (value: object) => "a" in value,
  };
  for (const [name, fn] of Object.entries(careless)) {
    await sweep.function(name, fn as (...args: unknown[]) => unknown);
  }
  await sweep.function("careful", () => {
    throw new TypeError("Cannot do that: an object is needed, null is not one");
  });
  assertEquals([...sweep.faults.keys()], Object.keys(careless));
});

testNothingIsLeft();
