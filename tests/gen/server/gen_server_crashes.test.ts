// What ends a server while it handles a message.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  atom,
  decode,
  encode,
  exit,
  format,
  GenServer,
  later,
  on,
  type Pid,
  type ServerRef,
  t,
  type Term,
  tuple,
} from "../../../mod.ts";
import { BOOM, ended, nodeTest, NORMAL } from "../../node/_nodes.ts";
import { assertJsError, bothWays, exitReason, logs } from "../_servers.ts";

// Crashes and stops

bothWays(
  "a throw ends the server with the error as its reason, and its callers are told",
  async (lone) => {
    const { node } = lone;
    class Fragile extends GenServer {
      override readonly calls = {
        now: () => {
          throw new RangeError("now");
        },
        soon: async () => {
          await Promise.resolve();
          throw new TypeError("soon");
        },
      };
      override readonly casts = {
        now: () => {
          throw new SyntaxError("cast");
        },
      };
      override handleInfo(): void {
        throw new Error("info");
      }
    }
    const ways: [string, string, (fragile: ServerRef<Fragile>) => unknown][] = [
      ["RangeError", "now", (fragile) => exitReason(fragile.call("now"))],
      ["TypeError", "soon", (fragile) => exitReason(fragile.call("soon"))],
      ["SyntaxError", "cast", (fragile) => fragile.cast("now")],
      ["Error", "info", (fragile) => fragile.send(1)],
    ];
    for (const [name, message, crash] of ways) {
      const fragile = await node.start(Fragile, []);
      const down = ended(node, fragile.pid);
      const told = await crash(fragile);
      const reason = await down;
      assertJsError(reason, name, message);
      if (told !== undefined) assertStrictEquals(told, reason);
      assertStrictEquals(node.isAlive(fragile.pid), false);
    }
    assertStrictEquals(logs(lone).length, 4);
  },
);

bothWays("exit ends the server with that very reason", async ({ node }) => {
  class Exiting extends GenServer {
    override readonly calls = {
      now: on(t.term, (reason): number => exit(reason as Pid)),
      soon: on(t.term, async (reason) => {
        await Promise.resolve();
        exit(reason as Pid);
      }),
    };
  }
  const reasons = [BOOM, NORMAL, 5, tuple(atom("shutdown"), [1]) as unknown as Term, null];
  for (const reason of reasons) {
    for (const name of ["now", "soon"] as const) {
      const exiting = await node.start(Exiting, []);
      const down = ended(node, exiting.pid);
      assertEquals(await exitReason(exiting.call(name, reason)), reason);
      assertEquals(await down, reason);
    }
  }
});

bothWays(
  "an error of a call in a handler that nobody catches is the server's reason too, with the call, as in OTP",
  async ({ node }) => {
    class Proxying extends GenServer {
      override readonly calls = {
        ask: on(t.pid, async (pid) => await this.call(pid, atom("get"))),
      };
    }
    const dead = node.spawn(() => {});
    await ended(node, dead);
    const one = await node.start(Proxying, []);
    assertEquals(
      format(await exitReason(one.call("ask", dead))),
      `{noproc,{gen_server,call,[${format(dead)},get]}}`,
    );
  },
);

bothWays("stop replies first, and ends the server when its message is done", async ({ node }) => {
  class Stopping extends GenServer {
    override readonly calls = {
      bye: () => {
        this.stop();
        return "bye";
      },
      silently: () => {
        this.stop(BOOM);
        return later(new Promise(() => {}));
      },
      slowly: async () => {
        this.stop(tuple(atom("shutdown"), 1));
        await Promise.resolve();
        return 5;
      },
    };
    override readonly casts = { bye: () => this.stop(BOOM) };
  }
  const start = async (): Promise<[ServerRef<Stopping>, Promise<Term>]> => {
    const ref = await node.start(Stopping, []);
    return [ref, ended(node, ref.pid)];
  };
  let [ref, down] = await start();
  assertStrictEquals(String(await ref.call("bye")), "bye");
  assertStrictEquals(await down, NORMAL);
  [ref, down] = await start();
  assertStrictEquals(await exitReason(ref.call("silently")), BOOM);
  assertStrictEquals(await down, BOOM);
  [ref, down] = await start();
  assertStrictEquals(await ref.call("slowly"), 5);
  assertEquals(await down, tuple(atom("shutdown"), 1) as unknown as Term);
  [ref, down] = await start();
  ref.cast("bye");
  assertStrictEquals(await down, BOOM);
});

bothWays("what waits behind a stop is not handled, and its callers are told", async ({ node }) => {
  const handled: number[] = [];
  class Stopping extends GenServer {
    override readonly calls = {
      step: on(t.integer, (i) => void handled.push(i)),
      bye: () => this.stop(BOOM),
    };
    override readonly casts = { step: on(t.integer, (i) => void handled.push(i)) };
  }
  const ref = await node.start(Stopping, []);
  ref.cast("step", 1);
  const bye = ref.call("bye");
  ref.cast("step", 2);
  const behind = exitReason(ref.call("step", 3));
  assertStrictEquals(await bye, null);
  assertStrictEquals(await behind, BOOM);
  assertEquals(handled, [1]);
});

nodeTest("to stop twice is to stop once, for the first reason", async ({ node }) => {
  class Stopping extends GenServer {
    override readonly calls = {
      bye: () => {
        this.stop(BOOM);
        this.stop(NORMAL);
      },
      word: () => this.stop("normal" as never),
    };
  }
  const ref = await node.start(Stopping, []);
  const down = ended(node, ref.pid);
  await ref.call("bye");
  assertStrictEquals(await down, BOOM);
  const other = await node.start(Stopping, []);
  const reason = await exitReason(other.call("word"));
  assert(String((reason as Term[][])[0][2]).includes('use atom("normal")'));
});

bothWays("whatever is thrown, the reason and the log can be read", async (lone) => {
  const { node, platform } = lone;
  const things: [thrown: unknown, message: string][] = [
    [{ a: 1 }, '{"a":1}'],
    ["text", "text"],
    [undefined, "undefined"],
    [atom("boom"), "boom"],
    [tuple(atom("not_found"), 7), "{not_found,7}"],
  ];
  for (const [thrown, message] of things) {
    class Throwing extends GenServer {
      override readonly calls = {
        now: (): void => {
          throw thrown;
        },
        soon: async () => {
          await Promise.resolve();
          throw thrown;
        },
      };
    }
    for (const name of ["now", "soon"] as const) {
      const throwing = await node.start(Throwing, [], { register: "throwing" });
      const reason = await exitReason(throwing.call(name));
      assertEquals(format(reason), format(pairs(["thrown", message])));
      const [line] = platform.logs.splice(0);
      assertStrictEquals(line.message, `Process throwing crashed: thrown: ${message}`);
    }
  }
});

bothWays("a crash is logged with its stack and its causes on lines of their own", async (lone) => {
  const { node, platform } = lone;
  class Failing extends GenServer {
    override readonly calls = {
      fail: () => {
        throw new TypeError("outer", { cause: new RangeError("inner") });
      },
    };
  }
  const failing = await node.start(Failing, [], { register: "failing" });
  const reason = await exitReason(failing.call("fail"));
  assertJsError(reason, "TypeError", "outer");
  const [first, ...others] = platform.logs[0].message.split("\n");
  assertStrictEquals(first, "Process failing crashed: TypeError: outer");
  assert(others.length > 2 && others.every((line) => line.startsWith("    ")), others.join("\n"));
  assert(others.includes("    Caused by: RangeError: inner"), others.join("\n"));
  assert(others[0].includes(".test."), others[0]);
});

/** `{{js_error, Name, Message}, Stack}` without a stack. */
function pairs([name, message]: readonly string[]): Term {
  const text = (value: string): Term => decode(encode(value));
  return tuple(tuple(atom("js_error"), text(name), text(message)), text("")) as unknown as Term;
}
