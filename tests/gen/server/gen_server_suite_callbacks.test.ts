// Cases of OTP's gen_server_SUITE, see the table in gen_server_suite.test.ts: methods that are not there, and the state as others see it.
import { assert, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  atom,
  type Encodable,
  ExitError,
  format,
  GenServer,
  sys,
  type Term,
} from "../../../mod.ts";
import { ended, nodeTest, NORMAL, until } from "../../node/_nodes.ts";
import { exitReason, failure, logs, pair } from "../_servers.ts";
import { Suite } from "./_suite.ts";

// What is not there

nodeTest(
  "undef_handle_call, _cast, _info: the caller is told, the rest is logged, the server lives on",
  async (lone) => {
    const { node } = lone;
    class Nothing extends GenServer {}
    const { pid } = await node.start(Nothing, []);
    const reason = await exitReason(node.call(pid, atom("hello")));
    assert(format(reason).startsWith("{bad_request,"));
    node.cast(pid, atom("hello"));
    node.send(pid, atom("hello"));
    await until(() => node.info(pid)!.handled === 4);
    assertStrictEquals(node.isAlive(pid), true);
    assertStrictEquals(logs(lone).filter((line) => line.includes("Nothing")).length, 2);
  },
);

nodeTest(
  "undef_terminate1 and 2: a server without terminate ends with its reason",
  async ({ node }) => {
    class Nothing extends GenServer {}
    for (const reason of [NORMAL, atom("test")]) {
      const { pid } = await node.start(Nothing, []);
      const done = ended(node, pid);
      node._core.process(pid)!.stopInTurn(reason);
      assertStrictEquals(await done, reason);
    }
  },
);

nodeTest("undef_in_terminate: an error of terminate is the reason", async ({ node }) => {
  class Bad extends GenServer {
    override terminate(): void {
      (this as unknown as { undefined_fun(): void }).undefined_fun();
    }
  }
  const server = await node.start(Bad, []);
  const done = ended(node, server.pid);
  await failure(server.stop());
  assert(format(await done).startsWith('{{js_error,<<"TypeError">>'), format(await done));
});

nodeTest(
  "undef_in_handle_info: a function that is not there is a crash, as every error",
  async ({ node }) => {
    const { pid } = await node.start(Suite, []);
    const done = ended(node, pid);
    node.send(pid, pair(atom("call_undef_fun"), 1));
    assert(format(await done).startsWith('{{js_error,<<"TypeError">>'), format(await done));
  },
);

nodeTest(
  "crash_in_init: whoever starts it is told, and nothing of it is left",
  async ({ node }) => {
    class Bad extends GenServer {
      override init(): void {
        throw new Error("no");
      }
    }
    const error = await failure(node.start(Bad, [], { register: "bad" }));
    assertInstanceOf(error, ExitError);
    assertStrictEquals((error.cause as Error).message, "no");
    assertStrictEquals(node.whereis("bad"), undefined);
  },
);

// The state as others see it

nodeTest("call_format_status: sys shows what formatState gives", async ({ node }) => {
  class Formatted extends Suite {
    override formatState(): Term {
      return atom("formatted");
    }
  }
  const { pid } = await node.start(Formatted, []);
  assertStrictEquals(await sys.getState(node, pid), atom("formatted"));
});

nodeTest(
  "error_format_status and terminate_crash_format: a crash is logged once, with what has thrown",
  async (lone) => {
    const { node } = lone;
    class Bad extends Suite {
      override terminate(): void {
        throw new Error("crash terminate");
      }
    }
    const { pid } = await node.start(Bad, [pair(atom("state"), atom("secret"))]);
    const done = ended(node, pid);
    node.call(pid, atom("stop")).catch(() => {});
    await done;
    const lines = logs(lone).filter((line) => line.includes("crash terminate"));
    assertStrictEquals(lines.length, 1);
    assert(!lines[0].includes("secret")); // the state is for those who ask for it
  },
);

nodeTest("format_log: what a peer has sent does not break a line of the log", async (lone) => {
  class Nothing extends GenServer {}
  const { pid } = await lone.node.start(Nothing, []);
  lone.node.send(pid, "x".repeat(10_000));
  await until(() => logs(lone).length === 1);
  assert(logs(lone)[0].length < 2_000);
});

nodeTest(
  "get_state: of a server, suspended or not, and of one whose formatState fails",
  async ({ node }) => {
    const { pid } = await node.start(Suite, [pair(atom("state"), atom("there"))]);
    const shown = async (): Promise<string> => format(await sys.getState(node, pid) as Encodable);
    assert((await shown()).includes("state=>there") || (await shown()).includes("state => there"));
    await sys.suspend(node, pid);
    assert((await shown()).includes("there"));
    class Bad extends GenServer {
      override formatState(): never {
        throw new Error("no state");
      }
    }
    const bad = await node.start(Bad, []);
    await failure(sys.getState(node, bad.pid));
    assertStrictEquals(node.isAlive(bad.pid), true);
  },
);

nodeTest(
  "replace_state: by a function of this program; one that throws changes nothing",
  async ({ node }) => {
    class Replaced extends GenServer {
      #state: Term = 1;
      override formatState(): Term {
        return this.#state;
      }
      override replaceState(state: Term): void {
        this.#state = state;
      }
    }
    const { pid } = await node.start(Replaced, []);
    assertStrictEquals(await sys.replaceState(node, pid, (state) => Number(state) + 1), 2);
    assertStrictEquals(await sys.getState(node, pid), 2);
    await failure(sys.replaceState(node, pid, () => {
      throw new Error("no");
    }));
    assertStrictEquals(await sys.getState(node, pid), 2);
  },
);
