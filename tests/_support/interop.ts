import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { environment, type ErlangNode, freePort, poll, run, type Running } from "./erlang.ts";
import { isTls, type Mode, tlsFolder } from "./modes.ts";
import { selfCommand } from "./runtime.ts";

/** The cookie of the nodes of these tests. */
export const COOKIE = "interop";

const CONFORMANCE_NODE = fileURLToPath(
  new URL("../../examples/conformance_node.ts", import.meta.url),
);

/** The conformance node, as a program of its own on the runtime that runs the test. */
export interface Conformance extends Running {
  readonly name: string;
  /** The port of the EPMD that it has started, or joined. */
  readonly epmdPort: number;
}

/** Starts the conformance node, with an EPMD of its own unless it is given a port. */
export async function startConformance(
  options: {
    readonly name?: string;
    readonly epmdPort?: number;
    readonly cookie?: string;
    readonly tickTime?: number;
    readonly mode?: Mode;
  } = {},
): Promise<Conformance> {
  const { name = "ours@localhost", epmdPort = await freePort(), cookie = COOKIE } = options;
  const args = [name, "--cookie", cookie, "--epmd-port", String(epmdPort)];
  if (options.tickTime !== undefined) args.push("--tick-time", String(options.tickTime));
  const mode = options.mode ?? "visible";
  if (mode === "published") args.push("--published");
  if (isTls(mode)) args.push("--tls", tlsFolder());
  if (mode === "mutual") args.push("--mutual");
  const [program, ...rest] = selfCommand(CONFORMANCE_NODE, ...args);
  const running = run(program, rest, environment(epmdPort));
  const ended = running.exited.then(() => {
    throw new Error(`the conformance node has ended:\n${running.output()}`);
  });
  await Promise.race([poll(() => running.output().includes(`ready ${name}\n`), running), ended]);
  ended.catch(() => {});
  return { ...running, name, epmdPort };
}

/** The path of a file of tests/interop. */
function interopFile(name: string): string {
  return fileURLToPath(new URL(`../interop/${name}`, import.meta.url));
}

/** The checks in a file: its functions whose name ends in `_test`, in their order. */
export function checksIn(file: string): string[] {
  const source = readFileSync(interopFile(file), "utf8");
  const found = source.matchAll(/^(?: +def )?(\w+_test)\(/gm);
  return [...new Set(Array.from(found, ([, name]) => name))];
}

/** The modules whose checks hold of Erlang itself, too (demo.erl), and those that are only about us. */
export const SHARED_CHECKS: readonly string[] = [
  "calls",
  "messages",
  "monitors",
  "links",
  "rexes",
  "rpcs",
  "spawns",
  "supervisors",
  "from_there",
  "reconnects",
  "checklist",
  "vectors",
];
export const OWN_CHECKS: readonly string[] = ["refusals"];

/** Compiles a module of tests/interop on an Erlang node. */
export async function loadErlang(erl: ErlangNode, module: string): Promise<void> {
  const file = JSON.stringify(interopFile(`${module}.erl`));
  await erl.eval(`begin
    {ok, Module, Code} = compile:file(${file}, [binary, return_errors]),
    code:load_binary(Module, ${file}, Code)
  end`);
}

/** As `loadErlang`, on an Elixir node. */
export async function loadErlangInElixir(elixir: ErlangNode, module: string): Promise<void> {
  const file = JSON.stringify(interopFile(`${module}.erl`));
  await elixir.eval(`
    file = String.to_charlist(${file})
    {:ok, module, code} = :compile.file(file, [:binary, :return_errors])
    {:module, _} = :code.load_binary(module, file, code)
  `);
}

/** Runs a script of tests/interop on an Elixir node. */
export async function loadElixir(elixir: ErlangNode, script: string): Promise<void> {
  await elixir.eval(`Code.require_file(${JSON.stringify(interopFile(script))}) |> length()`);
}

/** A check's name in plain words. */
export function titleOf(check: string): string {
  return check.replace(/_test$/, "").replaceAll("_", " ");
}

/** A node that examines another one. */
export interface Pair {
  readonly examiner: ErlangNode;
  readonly examined: Running & { readonly name: string };
}

/** Connects the two, so that nothing is asked of nodes that do not reach each other. Ends both where they do not. */
export async function mustConnect(pair: Pair, ping: string, pong: string): Promise<void> {
  const { examiner, examined } = pair;
  if (await examiner.eval(ping) === pong) return;
  const printed = `${examined.name}: ${examined.output()}\n${examiner.name}: ${examiner.output()}`;
  await examiner.kill();
  await examined.kill();
  throw new Error(`${examiner.name} does not reach ${examined.name}\n${printed}`);
}

/** Starts pairs of nodes when the first test asks for them; one at a time, since each costs a second and some memory. */
export class Pairs {
  readonly #start: (kind: string) => Promise<Pair>;
  #kind: string | null = null;
  #pair: Pair | null = null;

  constructor(start: (kind: string) => Promise<Pair>) {
    this.#start = start;
  }

  /** The pair of that kind; the one before is ended. */
  async get(kind: string): Promise<Pair> {
    if (this.#kind !== kind) {
      await this.close();
      this.#kind = kind;
      this.#pair = await this.#start(kind);
    }
    if (this.#pair === null) throw new Error("the nodes did not start, see the first check");
    return this.#pair;
  }

  /** Evaluates a check, which must give `expected`. What the examined node has printed meanwhile is part of the error. */
  async check(kind: string, run: (name: string) => string, expected: string): Promise<void> {
    const { examiner, examined } = await this.get(kind);
    const before = examined.output().length;
    let result: string;
    try {
      result = await examiner.eval(run(examined.name));
    } catch (error) {
      result = (error as Error).message;
    }
    if (result === expected) return;
    throw new Error(
      `${result.slice(0, 4000)}\n${examined.name} printed:\n${examined.output().slice(before)}`,
    );
  }

  async close(): Promise<void> {
    const pair = this.#pair;
    this.#pair = null;
    await pair?.examiner.kill();
    await pair?.examined.kill();
  }
}
