import { Atom, atom } from "../../etf/atom.ts";
import type { Pid } from "../../etf/identifiers.ts";
import { charlist } from "../../etf/list.ts";
import type { Encodable, Term } from "../../etf/term.ts";
import { tuple } from "../../etf/tuple.ts";
import type { Node } from "../../node/node.ts";
import { withSelf } from "../../node/provided/provide.ts";
import { raise } from "../../node/provided/raise.ts";
import type { Self } from "../../node/process/self.ts";
import { charDataText } from "../io/char_data.ts";
import { putChars } from "../io/io.ts";
import { Session } from "./session.ts";

/** What a remote shell has besides the node and the names of this package. */
export interface ShellOptions {
  /** What can be used by name, as `{ users }`. */
  readonly scope?: Readonly<Record<string, unknown>>;
}

/**
 * What can be used by name in a shell with these options, besides `names`.
 *
 * @throws {TypeError} if there is no such option, or a name in `scope` is none that JavaScript takes.
 */
export function shellScope(
  options: ShellOptions,
  names: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  for (const option of Object.keys(options)) {
    if (option === "scope") continue;
    throw new TypeError(
      `Cannot start a shell with option ${option}: there is no such option, there is scope`,
    );
  }
  const scope = { ...names, ...options.scope };
  for (const name of Object.keys(scope)) {
    if (isName(name)) continue;
    throw new TypeError(
      `Cannot start a shell with ${
        JSON.stringify(name)
      } in its scope: that is no name in JavaScript`,
    );
  }
  return scope;
}

function isName(name: string): boolean {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && !RESERVED.test(name);
}

const RESERVED =
  /^(?:arguments|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|eval|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield)$/;

/** A JavaScript shell that users of other nodes open by `erl -remsh` and `iex --remsh`. */
class RemoteShell {
  readonly #node: Node;
  readonly #scope: Readonly<Record<string, unknown>> | null;
  /** The newest session that was opened from a node, by its name: completion is asked for without saying for which. */
  readonly #sessions: Map<string, Session> = new Map();

  /** @param scope `null` where the shell is off. */
  constructor(node: Node, scope: Readonly<Record<string, unknown>> | null) {
    this.#node = node;
    this.#scope = scope;
  }

  /** Starts a session for whom this process was spawned, at its terminal. */
  start(asking: Self): Pid {
    const { groupLeader, spawner } = asking._process;
    const scope = this.#scope;
    const process = this.#node._spawn((self) => {
      return scope === null ? refuse(self) : this.#run(self, spawner ?? this.#node.name, scope);
    }, { groupLeader });
    return process.pid;
  }

  async #run(
    self: Self,
    from: string,
    scope: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const session = new Session(self, { ...scope, node: this.#node });
    this.#sessions.set(from, session);
    try {
      await session.run(banner(this.#node.name));
    } finally {
      if (this.#sessions.get(from) === session) this.#sessions.delete(from);
    }
  }

  /** `edlin_expand:expand(Before)`: what was typed comes from its end to its beginning. */
  async expand(asking: Self, before: Term): Promise<Encodable> {
    const line = [...charDataText(before, "unicode")].reverse().join("");
    const session = this.#sessions.get(asking._process.spawner ?? this.#node.name);
    const { added, matches } = await session?.complete(line) ?? { added: "", matches: [] };
    const isFound = added !== "" || matches.length > 0;
    return tuple(atom(isFound ? "yes" : "no"), charlist(added), matches.map(charlist)) as Encodable;
  }
}

function banner(name: string): string {
  return `JavaScript shell of ${name}. Names: node, self, console, and those of the package; import and await may be used, ` +
    ".break leaves a line, exit() the shell.\n";
}

/** Whoever asks has a terminal that waits; a message there says more than an error of his node's. */
async function refuse(self: Self): Promise<void> {
  await putChars(
    self,
    `Cannot open a shell of ${self.node.name}: it is off, start the node with { shell: true }\n`,
  );
}

/**
 * Answers what `erl -remsh` and `iex --remsh` ask a node for. Where the shell is off they are told so.
 *
 * @param scope what can be used by name in the shell; `null` where it is off.
 * @param tickTime milliseconds; Erlang asks for it in seconds.
 */
export function provideShell(
  node: Node,
  scope: Readonly<Record<string, unknown>> | null,
  tickTime = 60_000,
): void {
  const shell = new RemoteShell(node, scope);
  const start = withSelf((self) => shell.start(self));
  node.provide("shell", { start });
  const startIex = withSelf((self, _options, _first) => shell.start(self));
  node.provide("Elixir.IEx", { start: startIex });
  node.provide("iex", { start: startIex }); // from Elixir 1.17 on
  node.provide("edlin_expand", {
    expand: withSelf((self, before) => shell.expand(self, before)),
  });
  // What OTP 26 and later ask before they start it. All that is the node's own runs in a process, so that nobody has an agent run it.
  node.provide("code", {
    ensure_loaded: withSelf((_self, module) =>
      node._provided.has(module instanceof Atom ? module.name : "")
        ? tuple(atom("module"), module) as Term
        : tuple(atom("error"), atom("nofile")) as Term
    ),
  });
  node.provide("net_kernel", {
    get_net_ticktime: withSelf((_self) => Math.ceil(tickTime / 1000)),
  });
  node.provide("erlang", { system_info: withSelf((_self, item) => systemInfo(item)) });
}

/** What is told of the system: it is none of Erlang's, and does as OTP 25 does. */
const SYSTEM: ReadonlyMap<Term, string> = new Map<Term, string>([
  [atom("system_version"), "JavaScript\n"],
  [atom("otp_release"), "25"],
]);

function systemInfo(item: Term): number[] {
  return charlist(SYSTEM.get(item) ?? raise("error", atom("badarg")));
}
