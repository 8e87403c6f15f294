import { assert, assertEquals } from "@std/assert";
import { GenServer, later, type Term } from "../../mod.ts";
import { ended, nodeTest } from "../node/_nodes.ts";

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
  const ref = await node.start(Warming, [[]]);
  const down = ended(node, ref.pid);
  ref.cast("warm");
  ref.cast("fail");
  assert(String((await down as unknown as Term[][])[0][2]).includes("too cold"));
});

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
