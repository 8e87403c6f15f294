/** Clusters of Erlang nodes, with OTP's own settings, and published nodes of ours. */
import { assertEquals } from "@std/assert";
import { format, type Node, type NodeOptions, startNode } from "../../mod.ts";
import { type ErlangNode, freePort, poll, startErlang } from "./erlang.ts";
import { COOKIE } from "./interop.ts";

/** Milliseconds in which a connection must be made: many are at once, on a machine that may be busy. */
const PATIENCE = 50_000;

/** Some nodes that find each other, and end with the test. */
export class GlobalCluster implements AsyncDisposable {
  readonly #epmdPort: number;
  readonly #ours: Node[] = [];
  readonly #theirs: ErlangNode[] = [];
  readonly #first: Node;

  private constructor(epmdPort: number, first: Node) {
    this.#epmdPort = epmdPort;
    this.#first = first;
  }

  /** Nothing but an EPMD, which a node holds that takes no part. */
  static async start(): Promise<GlobalCluster> {
    const port = await freePort();
    const options = { cookie: COOKIE, epmd: { port }, signals: false };
    return new GlobalCluster(port, await startNode("epmd@localhost", options));
  }

  /** Starts a node of ours, published unless told otherwise. */
  async ours(name = "ours", options: NodeOptions = {}): Promise<Node> {
    const node = await startNode(`${name}@localhost`, {
      cookie: COOKIE,
      published: true,
      epmd: { port: this.#epmdPort },
      routes: { "*@localhost": { timeout: PATIENCE } },
      signals: false,
      ...options,
    });
    this.#ours.push(node);
    return node;
  }

  async erlang(name: string, options: { readonly hidden?: boolean } = {}): Promise<ErlangNode> {
    const erl = await startErlang({
      name: `${name}@localhost`,
      cookie: COOKIE,
      epmdPort: this.#epmdPort,
      mesh: true,
      args: ["-kernel", "net_setuptime", String(PATIENCE / 1000)],
      ...options,
    });
    this.#theirs.push(erl);
    return erl;
  }

  /** Ends all nodes. Those of Erlang must not have had anything to complain about. */
  async [Symbol.asyncDispose](): Promise<void> {
    const printed = this.#theirs.map(({ name, output }) => `${name}: ${complaints(output())}`);
    await Promise.all(this.#ours.map((node) => node.stop()));
    await this.#first.stop();
    await Promise.all(this.#theirs.map((erl) => erl.kill()));
    assertEquals(printed, this.#theirs.map(({ name }) => `${name}: `), "what Erlang has logged");
  }
}

/** What an Erlang node has logged, but for what it says of every partition. */
function complaints(output: string): string {
  return output.split(/^(?==)/m)
    .filter((report) => !/prevent overlapping partitions/.test(report.replace(/\s+/g, " ")))
    .join("").trim();
}

/** Connects an Erlang node with another one, which may not have noticed yet that it had lost the first one. */
export async function connect(erl: ErlangNode, node: string): Promise<void> {
  await poll(async () => await erl.eval(`net_kernel:connect_node('${node}')`) === "true");
}

/** Waits until these nodes see each other, and have the names of each other. */
export async function whole(...nodes: (Node | ErlangNode)[]): Promise<void> {
  const names = nodes.map(({ name }) => name);
  for (const node of nodes) {
    const others = names.filter((name) => name !== node.name).sort();
    await poll(async () => `${await visible(node)}` === `${others}`).catch(async () => {
      throw new Error(`${node.name} sees ${await visible(node)}, not ${others}`);
    });
    if ("eval" in node) assertEquals(await node.eval("global:sync()"), "ok");
    else await node.global.sync();
  }
}

/**
 * Waits until no two parts of a cluster overlap: whoever sees a node sees what that one sees. In which part a node is after a loss
 * depends on who hears of it first.
 *
 * @returns the parts, each in order.
 */
export async function apart(...nodes: (Node | ErlangNode)[]): Promise<string[]> {
  let parts: string[] = [];
  await poll(async () => {
    const views = await Promise.all(
      nodes.map(async (node) => [node.name, ...await visible(node)].sort().join()),
    );
    parts = [...new Set(views)].sort();
    return parts.join().split(",").length === nodes.length;
  });
  return parts;
}

async function visible(node: Node | ErlangNode): Promise<string[]> {
  if (!("eval" in node)) return node.nodes("visible").sort();
  const text = await node.eval("lists:sort(nodes())");
  return text === "[]" ? [] : text.slice(1, -1).replaceAll("'", "").split(",");
}

/** The global names that a node knows, as Erlang prints them, in order. */
export async function names(node: Node | ErlangNode): Promise<string> {
  return "eval" in node
    ? await node.eval("lists:sort(global:registered_names())")
    : `[${node.global.names().map((name) => format(name)).sort().join(",")}]`;
}

/** Waits until every node knows exactly these names, in the order of Erlang's terms. */
export async function haveNames(
  nodes: readonly (Node | ErlangNode)[],
  expected: string,
): Promise<void> {
  for (const node of nodes) {
    await poll(async () => await names(node) === expected).catch(async () => {
      assertEquals(await names(node), expected, node.name);
    });
  }
}

/** Registers a process of an Erlang node that lives until it is told `stop`, and sends on what else it gets. */
export function erlangName(erl: ErlangNode, name: string, method = ""): Promise<string> {
  return erl.eval(`begin
    Loop = fun Loop() -> receive
      stop -> ok;
      {ask, From} -> From ! {answer, node()}, Loop();
      Other -> put(got, [Other | case get(got) of undefined -> []; L -> L end]), Loop()
    end end,
    Pid = spawn(Loop),
    global:register_name(${name}, Pid${method === "" ? "" : `, ${method}`})
  end`);
}
