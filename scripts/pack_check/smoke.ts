// What the pack check compiles and runs against the packed package, as a module and as a script
// (`import` and `require`): a few lines that touch every part of a user's first program.

import { atom, GenServer, on, startNode, t, tagged, tuple } from "@ergo-ts/ergo";

class Counter extends GenServer {
  #count = 0;
  override readonly calls = {
    add: on(t.integer, (n) => tagged("ok", this.#count += n)),
    get: () => this.#count,
  };
  override readonly casts = { reset: () => void (this.#count = 0) };
}

function expect(what: string, value: unknown, expected: unknown): void {
  if (value !== expected) throw new Error(`${what}: ${value} instead of ${expected}`);
}

async function main(): Promise<void> {
  // copyMessages: every message goes through the codec.
  const options = {
    cookie: "a cookie of the pack check",
    epmd: false,
    copyMessages: true,
    workers: 1,
  } as const;
  await using node = await startNode("pack@localhost", options);
  const counter = await node.start(Counter, [], { register: "counter" });
  const [tag, count] = await counter.call("add", 5);
  expect("tag", tag, atom("ok"));
  expect("add", count, 5);
  counter.cast("reset");
  expect("get after reset", await counter.call("get"), 0);
  // On a thread, whose modules are those of the package, too.
  if (process.argv.includes("--no-worker")) return;
  const module = new URL(`file://${process.cwd()}/smoke_worker.mjs`);
  await node.start(module, [], { register: "doubler" });
  expect("double", await node.call("doubler", tuple(atom("double"), 21)), 42);
}

main().then(
  () => console.log("smoke: ok"),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
