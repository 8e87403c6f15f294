import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { needs } from "./runtime.ts";

/** A reason to skip a test that needs Erlang: `test("...", { skip: needsErlang }, async () => {...})`. */
export const needsErlang: string | false = needs("erl", "epmd");

/**
 * The folder of a system to take Erlang and Elixir from in place of this machine's: `ERGO_TEST_CHROOT`, one of those that
 * scripts/otp_chroots.mjs makes.
 */
const chroot = process.env.ERGO_TEST_CHROOT;
const IN_CHROOT = fileURLToPath(new URL("../../scripts/in_chroot.sh", import.meta.url));

/** What runs a program of Erlang or Elixir. */
export function command(
  program: string,
  args: readonly string[],
): [program: string, args: string[]] {
  return chroot ? [IN_CHROOT, [chroot, program, ...args]] : [program, [...args]];
}

/** A program that was started for a test and ends with it. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason: with its exit code, `null` where a signal has ended it. */
  readonly exited: Promise<number | null>;
  /** What it has printed. */
  output(): string;
  /** Ends it at once, as kill -9, and waits until it is gone. Idempotent. */
  kill(): Promise<void>;
}

export interface Epmd extends Running {
  readonly port: number;
}

/** Starts the epmd of Erlang on a port of its own. */
export async function startEpmd(
  options: { readonly args?: readonly string[] } = {},
): Promise<Epmd> {
  const port = await freePort();
  const args = ["-port", String(port), "-address", "127.0.0.1", ...options.args ?? []];
  const running = run(...command("epmd", args), environment(port));
  await poll(() => epmdNames(port) !== null, running);
  return { ...running, port };
}

/** What `epmd -names` prints, `null` if no daemon answers. Blocks: not for a daemon in this program. */
export function epmdNames(port: number): string | null {
  try {
    const env = environment(port);
    const [program, args] = command("epmd", ["-names"]);
    return execFileSync(program, args, { env, encoding: "utf8", stdio: "pipe" });
  } catch {
    return null;
  }
}

/** Runs `epmd` with arguments, as `["-names"]`, and gives what it printed. */
export async function runEpmd(port: number, args: readonly string[]): Promise<string> {
  await using running = run(...command("epmd", args), environment(port));
  await running.exited;
  return running.output();
}

export interface ErlangOptions {
  /** The node's name, with its host: `a@localhost`. */
  readonly name: string;
  readonly cookie: string;
  /** The port of the EPMD to register with. */
  readonly epmdPort: number;
  readonly hidden?: boolean;
  /** OTP's own settings: visible nodes connect with all they hear of. Default: they keep to whom they are told. */
  readonly mesh?: boolean;
  /** More arguments for erl. */
  readonly args?: readonly string[];
}

/** A running Erlang node. */
export interface ErlangNode extends Running {
  readonly name: string;
  /**
   * Evaluates expressions in a process of their own: `await erl.eval("1 + 1")` is "2".
   *
   * @returns the value as `~0tp` prints it.
   * @throws if they fail, with the reason as text.
   */
  eval(expressions: string): Promise<string>;
}

/**
 * Starts an Erlang node, and waits until it is up. It ends with `kill`, with its disposal, and when this program ends.
 *
 * @throws if it does not come up, with what it has printed.
 */
export async function startErlang(options: ErlangOptions): Promise<ErlangNode> {
  const { name, cookie, hidden = false, mesh = false, args = [] } = options;
  const naming = name.split("@")[1]?.includes(".") ? "-name" : "-sname";
  return await startBeam(options, "erl", (port) => [
    ...["-noinput", naming, name, "-setcookie", cookie, "-start_epmd", "false"],
    ...mesh ? [] : ["-kernel", "connect_all", "false", "prevent_overlapping_partitions", "false"],
    ...hidden ? ["-hidden"] : [],
    ...args,
    ...["-eval", loop(port)],
  ]);
}

/**
 * Starts a program that connects to the port it is given, and evaluates what it is told there: see `loop` for the protocol.
 *
 * @throws if it does not come up, with what it has printed.
 */
export async function startBeam(
  { name, epmdPort }: Pick<ErlangOptions, "name" | "epmdPort">,
  program: string,
  args: (port: number) => readonly string[],
): Promise<ErlangNode> {
  const control = await Control.listen();
  const running = run(...command(program, args(control.port)), environment(epmdPort));
  const failed = running.exited.then(() => {
    throw new Error(`${program} has ended:\n${running.output()}`);
  });
  const kill = async (): Promise<void> => {
    control.close();
    await running.kill();
  };
  try {
    await Promise.race([control.connected, failed]);
  } catch (error) {
    await kill();
    throw error;
  }
  failed.catch(() => {});
  return {
    ...running,
    name,
    eval: (expressions) => Promise.race([control.ask(expressions), failed]) as Promise<string>,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** The ports that this program was given. */
const given: Set<number> = new Set();

/** Programs of neighbouring ids, as those are that run at the same time, draw from ports of their own. */
const SHARES = 32;

/**
 * A port that nobody listens at, never the same twice. It is below those that the system takes for connections (32768 on Linux), and drawn
 * by lot: another program cannot have it by the time it is used, unless it has the same share and draws the same.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const row = Math.floor(Math.random() * (32_768 - 10_240) / SHARES);
    const port = 10_240 + row * SHARES + process.pid % SHARES;
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Tries every few milliseconds until it holds; for what gives no sign when it is done. */
export async function poll(
  condition: () => unknown,
  running?: Running,
  timeout = 50_000,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`never came true\n${running?.output() ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What a program has to find: the EPMD on that port, and nothing of the machine's own settings for Erlang. */
export function environment(epmdPort: number): Record<string, string | undefined> {
  const { ERL_EPMD_ADDRESS: _, ERL_FLAGS: _flags, ...env } = process.env;
  return { ...env, ERL_EPMD_PORT: String(epmdPort), ERL_CRASH_DUMP_SECONDS: "0" };
}

/** What runs; none of it outlives a test that fails to end it. */
const children: Set<ChildProcess> = new Set();

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Starts a program that ends with the test. */
export function run(
  program: string,
  args: readonly string[],
  env: Record<string, string | undefined>,
): Running {
  const child: ChildProcess = spawn(program, [...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => printed += chunk);
  }
  const exited = new Promise<number | null>((resolve) => {
    child.on("close", (code) => { // when all that it printed has come, too
      children.delete(child);
      resolve(code);
    });
    child.on("error", (error) => {
      printed += error.message;
      resolve(null);
    });
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    pid: child.pid ?? 0,
    exited,
    output: () => printed,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** What an Erlang node runs: evaluates what comes on a connection, and ends with it. */
function loop(port: number): string {
  return `spawn(fun() ->
    {ok, S} = gen_tcp:connect({127,0,0,1}, ${port}, [binary, {packet, 4}, {active, true}]),
    Eval = fun(Text) ->
      {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text)),
      {ok, Exprs} = erl_parse:parse_exprs(Tokens),
      {value, Value, _} = erl_eval:exprs(Exprs, []),
      Value
    end,
    Answer = fun(Id, Tag, Term) ->
      gen_tcp:send(S, [<<Id:32, Tag>>, unicode:characters_to_binary(io_lib:format("~0tp", [Term]))])
    end,
    Loop = fun Loop() ->
      receive
        {tcp, S, <<Id:32, Text/binary>>} ->
          spawn(fun() ->
            try Eval(<<Text/binary, ".">>) of
              Value -> Answer(Id, $o, Value)
            catch
              Class:Reason -> Answer(Id, $e, {Class, Reason})
            end
          end),
          Loop();
        {tcp_closed, S} -> erlang:halt()
      end
    end,
    Loop()
  end).`;
}

/** The connection on which an Erlang node is told what to evaluate. */
class Control {
  readonly port: number;
  readonly connected: Promise<void>;
  readonly #server: Server;
  readonly #waiting: Map<number, { resolve(text: string): void; reject(error: Error): void }> =
    new Map();
  #socket: Socket | null = null;
  #received: Uint8Array = new Uint8Array(0);
  #lastId = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    this.connected = new Promise((resolve) => {
      server.on("connection", (socket) => {
        this.#socket = socket;
        socket.on("data", (bytes: Uint8Array) => this.#data(bytes));
        socket.on("error", () => {}); // the node was killed
        resolve();
      });
    });
  }

  static async listen(): Promise<Control> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Control(server);
  }

  ask(expressions: string): Promise<string> {
    const id = ++this.#lastId;
    const text = new TextEncoder().encode(expressions);
    const frame = new Uint8Array(8 + text.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, 4 + text.length);
    view.setUint32(4, id);
    frame.set(text, 8);
    this.#socket?.write(frame);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
  }

  #data(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#received.length + bytes.length);
    all.set(this.#received);
    all.set(bytes, this.#received.length);
    const view = new DataView(all.buffer);
    let at = 0;
    while (all.length >= at + 4 && all.length >= at + 4 + view.getUint32(at)) {
      const end = at + 4 + view.getUint32(at);
      const waiting = this.#waiting.get(view.getUint32(at + 4));
      this.#waiting.delete(view.getUint32(at + 4));
      const text = new TextDecoder().decode(all.subarray(at + 9, end));
      if (view.getUint8(at + 8) === 0x6f) waiting?.resolve(text);
      else waiting?.reject(new Error(text));
      at = end;
    }
    this.#received = all.slice(at);
  }
}
