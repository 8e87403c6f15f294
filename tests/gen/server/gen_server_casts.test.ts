import { assert, assertEquals } from "@std/assert";
import { atom, GenServer, later, type ServerRef, type Term, tuple } from "../../../mod.ts";
import { collector, ended, KILL, nodeTest } from "../../node/_nodes.ts";

class Warming extends GenServer {
  readonly notes: string[] = [];
  #go!: (error?: Error) => void;
  override init(notes: string[]): void {
    (this as { notes: string[] }).notes = notes;
  }
  override readonly casts = {
    warm: () => later(this.#wait()),
    note: () => void this.notes.push("note"),
    go: () => this.#go(),
    fail: () => this.#go(new Error("too cold")),
  };
  override handleCast(_request: Term): unknown {
    return later(this.#wait());
  }
  override handleInfo(_message: Term): unknown {
    return later(this.#wait());
  }
  async #wait(): Promise<void> {
    this.notes.push("begins");
    await new Promise<void>((resolve, reject) =>
      this.#go = (error) => error ? reject(error) : resolve()
    );
    this.notes.push("done");
  }
}

nodeTest("later in a cast or a message lets the mailbox go on", async ({ node, platform }) => {
  for (const way of ["table", "handleCast", "handleInfo"]) {
    const notes: string[] = [];
    const ref = await node.start(Warming, [notes]);
    if (way === "table") ref.cast("warm");
    else if (way === "handleCast") node.cast(ref, 5);
    else ref.send(5);
    ref.cast("note");
    ref.cast("go");
    await platform.settle();
    assertEquals(notes, ["begins", "note", "done"], way);
    await ref.stop();
  }
});

nodeTest("a rejection of it is a crash, and not unhandled", async ({ node }) => {
  const ways: ((ref: ServerRef<Warming>) => void)[] = [
    (ref) => ref.cast("warm"),
    (ref) => node.cast(ref, 5),
    (ref) => ref.send(5),
  ];
  for (const way of ways) {
    const ref = await node.start(Warming, [[]]);
    const down = ended(node, ref.pid);
    way(ref);
    ref.cast("fail");
    assert(String((await down as unknown as Term[][])[0][2]).includes("too cold"));
  }
});

nodeTest(
  "what a handler gives after the end of its server is sent to nobody",
  async ({ node, platform }) => {
    const open: (() => void)[] = [];
    class Slow extends GenServer {
      #wait(): Promise<string> {
        return new Promise((resolve) => open.push(() => resolve("too late")));
      }
      override readonly calls = {
        wait: () => this.#wait(),
        later: () => later(this.#wait()),
      };
    }
    for (const request of ["wait", "later"]) {
      const ref = await node.start(Slow, []);
      // A caller that watches nothing, as gen_server's multi_call to old nodes: only a message could tell it.
      const caller = collector(node);
      node.send(ref, tuple(atom("$gen_call"), tuple(caller.pid, 1), atom(request)) as Term);
      await platform.settle();
      node.exit(ref.pid, KILL);
      open.pop()!();
      await platform.settle();
      assertEquals(caller.got, []);
    }
  },
);

nodeTest("a rejection that comes after the end is nobody's", async ({ node, platform }) => {
  let fail!: (error: Error) => void;
  class Late extends GenServer {
    override readonly casts = {
      wait: () => later(new Promise((_, reject) => fail = reject)),
    };
  }
  const ref = await node.start(Late, []);
  ref.cast("wait");
  await ref.stop();
  fail(new Error("late"));
  await platform.settle();
  assertEquals(platform.logs, []);
});
