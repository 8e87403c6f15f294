import { test } from "node:test";
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import * as ergo from "../../../mod.ts";
import {
  atom,
  type Encodable,
  format,
  type Node,
  type Pid,
  startNode,
  type Term,
} from "../../../mod.ts";
import { SHELL_SCOPE } from "../../../lib/boot/shell_scope.ts";
import { type ErlangNode, freePort, needsErlang, startErlang } from "../../_support/erlang.ts";
import { COOKIE, loadErlang } from "../../_support/interop.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { needs } from "../../_support/runtime.ts";
import { needsTerminal, startTerminal, type Terminal } from "../../_support/terminal.ts";

const OURS = "ours@localhost";
const OFF = "off@localhost";
const THEIRS = "theirs@localhost";
const needsElixir = needsErlang || needs("iex");

interface Sides {
  /** A node whose shell is on. */
  readonly node: Node;
  /** One whose shell is off. */
  readonly off: Node;
  readonly erl: ErlangNode;
  readonly epmdPort: number;
}

let sides: Promise<Sides> | null = null;

function start(): Promise<Sides> {
  return sides ??= (async () => {
    const epmdPort = await freePort();
    const options = { cookie: COOKIE, epmd: { port: epmdPort } };
    const shell = { scope: { answer: 42, users: new Map([["zoë", 1]]) } };
    const node = await startNode(OURS, { ...options, shell });
    const off = await startNode(OFF, { ...options, tickTime: 30_500 });
    const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort });
    await loadErlang(erl, "printing");
    return { node, off, erl, epmdPort };
  })();
}

/** What a user sees who types these lines at a shell, of our node unless told otherwise; the prompts are left out. */
async function typed(lines: readonly string[], node = OURS): Promise<string> {
  const { erl } = await start();
  const input = lines.map((line) =>
    `unicode:characters_to_list(<<${[...new TextEncoder().encode(`${line}\n`)]}>>)`
  );
  const printed = await erl.eval(`begin
    Leader = printing:typist([${input.join(",")}]),
    Pid = printing:with_leader(Leader, {'${node}', shell, start, []}),
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, _, _, Reason} -> ok after 40000 -> Reason = timeout end,
    Requests = printing:collected({Leader, 0}),
    {Reason, binary:encode_hex(unicode:characters_to_binary([R || R <- Requests, is_binary(R)]))}
  end`);
  const [, reason, text] = /^\{(\w+),<<"([0-9A-F]*)">>\}$/.exec(printed) ?? [];
  assertEquals(reason, "normal", printed);
  const bytes = text.match(/../g)!.map((digits) => parseInt(digits, 16));
  const all = new TextDecoder().decode(new Uint8Array(bytes));
  return all.slice(all.indexOf("\n") + 1); // without the greeting
}

test("the shell evaluates, keeps names, waits for promises, and prints values", {
  skip: needsErlang,
}, async () => {
  const seen = await typed([
    "1 + 1",
    "let x = await Promise.resolve({ a: [1, 2] })",
    "x",
    "",
    'tuple(atom("ok"), "Zoë")',
    "function twice(n) {",
    "  return n * 2",
    "}",
    "twice(x.a[1]) + answer",
    "node.name",
    "users.get('zoë')",
    "undefined",
    "`two",
    "lines`",
  ]);
  assertEquals(
    seen,
    "2\n{ a: [ 1, 2 ] }\n{ok,<<\"Zoë\"/utf8>>}\n46\n'ours@localhost'\n1\nundefined\n'two\\nlines'\n",
  );
});

test("an error's fields are shown as one object", { skip: needsErlang }, async () => {
  const seen = await typed(["await node.call('nobody', atom('x'))", "5"]);
  assertStringIncludes(seen, "Cannot reach nobody: no such process");
  assertStringIncludes(seen, "target");
  assertEquals(seen.split("{").length, seen.split("}").length, seen);
});

test("an error is shown with its stack, and ends nothing", { skip: needsErlang }, async () => {
  const seen = await typed([
    "let kept = 5",
    "throw new RangeError('too far')",
    "nothing",
    "let = 1 2",
    "Promise.reject(new Error('late'))",
    "await node.sleep(1)",
    "kept",
  ]);
  assertStringIncludes(seen, "Uncaught (in promise) Error: late");
  assertStringIncludes(seen, "Uncaught RangeError: too far\n    at ");
  assertStringIncludes(seen, "Uncaught ReferenceError: ");
  assertStringIncludes(seen, "Uncaught SyntaxError: ");
  const errors = seen.slice(0, seen.indexOf("Promise {"));
  assertEquals(errors.includes("/kernel/shell/"), false, seen);
  assertEquals(seen.endsWith("\n5\n"), true, seen);
});

test("what is printed by console appears at the shell", { skip: needsErlang }, async () => {
  assertEquals(
    await typed(["console.log('a', [1], atom('b'))", "exit()", "never"]),
    "a [ 1 ] b\nundefined\n",
  );
});

test("the shell is a process: it gets messages and the ends of what it is linked to", {
  skip: needsErlang,
}, async () => {
  const seen = await typed([
    "self.send(self.pid, tagged('hello', 1))",
    "await self.receive()",
    "const other = node.spawn((other) => other.receive())",
    "self.link(other); node.exit(other, atom('boom')); await node.sleep(1)",
  ]);
  assertStringIncludes(seen, "{hello,1}");
  assertMatch(seen, /\*\*\* <ours@localhost[0-9.]+> has ended: boom/);
});

test("exit() leaves it, and .break a line", { skip: needsErlang }, async () => {
  assertEquals(await typed(["f(", ".break", "'here'", "exit()", "'not here'"]), "'here'\n");
});

test("each session has names of its own", { skip: needsErlang }, async () => {
  assertEquals(await typed(["let mine = 1", "mine"]), "1\n");
  assertStringIncludes(await typed(["mine"]), "ReferenceError");
});

/** What would start or end the program's own node, and what takes its clock: the test kit. */
const NOT_THERE = [
  ...["startNode", "exit", "simulate", "explore", "SimulationError"],
  ...["withVirtualTime", "probe", "Probe", "ProbeError", "capture", "Capture"],
];

test("all that the package exports can be used by name", () => {
  const exported = Object.keys(ergo).filter((name) => !NOT_THERE.includes(name));
  const missing = exported.filter((name) => !Object.hasOwn(SHELL_SCOPE, name));
  assertEquals(missing, [], "lib/boot/shell_scope.ts does not have what mod.ts has");
});

test("options that are none, and names that JavaScript does not take, are refused", async () => {
  const open = (shell: object): Promise<Node> =>
    startNode("alone@localhost", { network: false, signals: false, shell });
  await assertRejects(() => open({ scop: {} }), TypeError, "with option scop: there is no such");
  for (const name of ["a-b", "1a", "", "class", "let", "eval"]) {
    const message = `with ${JSON.stringify(name)} in`;
    await assertRejects(() => open({ scope: { [name]: 1 } }), TypeError, message);
  }
  await using node = await open({ scope: { $a_1: 1, ñandú: 2, node2: 3 } });
  assertEquals(node.isAlive(node.pid), true);
});

test(
  "where it is off who opens one is told so, and the node runs on",
  { skip: needsErlang },
  async () => {
    const { off, erl } = await start();
    const said = await erl.eval(`begin
    Leader = printing:typist(["1 + 1\\n"]),
    Pid = printing:with_leader(Leader, {'${OFF}', shell, start, []}),
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, _, _, Reason} -> {Reason, printing:collected({Leader, 1})} after 40000 -> timeout end
  end`);
    assertStringIncludes(
      said,
      "Cannot open a shell of off@localhost: it is off, start the node with { shell: true }",
    );
    assertEquals(await off.ping(THEIRS), true);
  },
);

test("an exit signal interrupts what runs, the shell goes on", { skip: needsErlang }, async () => {
  const { node, erl } = await start();
  const said = await erl.eval(`begin
    Leader = printing:typist(["console.log(1); await new Promise(() => {})\\n", "1 + 1\\n"]),
    Pid = printing:with_leader(Leader, {'${OURS}', shell, start, []}),
    printing:collected({Leader, 3}),
    exit(Pid, interrupt),
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, _, _, Reason} -> {Reason, printing:collected({Leader, 6})} after 40000 -> timeout end
  end`);
  assertStringIncludes(said, "interrupted");
  assertStringIncludes(said, '<<"2\\n">>');
  assertEquals(node.processes().length > 0, true);
});

test("when the terminal is gone the shell ends", { skip: needsErlang }, async () => {
  const { node } = await start();
  const silent = await node.spawnRemote(THEIRS, "timer", "sleep", [60_000]);
  const call = [atom(OURS), atom("shell"), atom("start"), []] as Encodable[];
  const tuple = ergo.tuple(...call) as Encodable;
  const shell = await node.rpc(THEIRS, "printing", "with_leader", [silent, tuple]) as Pid;
  const ended = new Promise<Term>((resolve) =>
    node.monitor(shell, ({ reason }) => resolve(reason))
  );
  node.exit(silent, atom("kill"));
  assertEquals(await ended, atom("normal"));
});

test("the tab key completes what is in the session", { skip: needsErlang }, async () => {
  const { erl } = await start();
  const expanded = await erl.eval(`begin
    Leader = spawn(fun L() -> receive {io_request, From, As, R} ->
      case element(1, R) of get_line -> receive go -> ok end; _ -> From ! {io_reply, As, ok} end, L() end end),
    Pid = printing:with_leader(Leader, {'${OURS}', shell, start, []}),
    Expand = fun(Text) -> rpc:call('${OURS}', edlin_expand, expand, [lists:reverse(Text)]) end,
    Results = [Expand(Text) || Text <- ["answ", "node.nam", "x = node.proce", "nothing_such", "", "users.siz"]],
    exit(Pid, kill),
    Results
  end`);
  assertEquals(
    expanded,
    '[{yes,"er",[]},{yes,"e",[]},{yes,"sses",[]},{no,[],[]},{no,[],[]},{yes,"e",[]}]',
  );
});

test("what releases after OTP 25 ask for before is answered", { skip: needsErlang }, async () => {
  const { erl } = await start();
  for (const [name, seconds] of [[OURS, 60], [OFF, 31]] as const) {
    assertEquals(
      await erl.eval(`[rpc:call('${name}', M, F, A) || {M, F, A} <- [
        {code, ensure_loaded, [shell]}, {code, ensure_loaded, [nonsense]}, {net_kernel, get_net_ticktime, []},
        {erlang, system_info, [otp_release]}, {application, get_env, [stdlib, none, 5]}]]`),
      `[{module,shell},{error,nofile},${seconds},"25",5]`,
    );
  }
});

/** Types at a shell of ours, and sees what a user sees. */
async function session(terminal: Terminal): Promise<void> {
  await terminal.until("(ours@localhost)1> ");
  terminal.type("let x = 20\n");
  await terminal.until("(ours@localhost)2> ");
  terminal.type("x * 2 +\n");
  await terminal.until("... ");
  terminal.type("2\n");
  await terminal.until("\n42");
  await terminal.until("(ours@localhost)3> ");
  terminal.type("console.log('printed', tuple(1, 'é'))\n");
  await terminal.until('printed {1,<<"é"/utf8>>}');
  await terminal.until("(ours@localhost)4> ");
  terminal.type("exit()\n");
  await terminal.until("Shell process terminated!");
}

test("erl -remsh reaches it", { skip: needsErlang || needsTerminal }, async () => {
  const { epmdPort } = await start();
  const args = ["-sname", "term@localhost", "-setcookie", COOKIE, "-remsh", OURS];
  await using terminal = startTerminal("erl", args, epmdPort);
  await session(terminal);
});

test("the tab key completes at erl -remsh", { skip: needsErlang || needsTerminal }, async () => {
  const { epmdPort } = await start();
  const args = ["-sname", "tab@localhost", "-setcookie", COOKIE, "-remsh", OURS];
  await using terminal = startTerminal("erl", args, epmdPort);
  await terminal.until("(ours@localhost)1> ");
  terminal.type("answ\t");
  await terminal.until("answer");
  terminal.type(" + 1\n");
  await terminal.until("\n43");
});

test("iex --remsh reaches it", { skip: needsElixir || needsTerminal }, async () => {
  const { epmdPort } = await start();
  const args = ["--sname", "iex@localhost", "--cookie", COOKIE, "--remsh", OURS];
  await using terminal = startTerminal("iex", args, epmdPort);
  await session(terminal);
});

test(
  "erl -remsh to a node whose shell is off says so",
  { skip: needsErlang || needsTerminal },
  async () => {
    const { epmdPort } = await start();
    const args = ["-sname", "refused@localhost", "-setcookie", COOKIE, "-remsh", OFF];
    await using terminal = startTerminal("erl", args, epmdPort);
    await terminal.until("Cannot open a shell of off@localhost: it is off");
  },
);

test("the nodes stop", { skip: needsErlang }, async () => {
  const { node, off, erl } = await start();
  await erl.kill();
  await node.stop();
  await off.stop();
  assertEquals(format(node.pid), "<ours@localhost.0.0>");
});

testNothingIsLeft();
