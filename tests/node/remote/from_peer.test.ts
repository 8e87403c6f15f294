import { assertEquals } from "@std/assert";
import { atom, GenServer, type Term, tuple } from "../../../mod.ts";
import { nodeTest, NORMAL, processOf } from "../_nodes.ts";

/** Notes whose message it handles, at once and after a wait. */
class Agent extends GenServer {
  readonly seen: (string | null)[] = [];

  override init(asks: boolean): void {
    this._process.asksOrigin = asks;
  }

  override async handleInfo(message: Term): Promise<void> {
    this.seen.push(this._process.origin);
    await Promise.resolve();
    if (message === atom("wait")) this.seen.push(this._process.origin);
  }
}

nodeTest(
  "who acts for others knows on whose connection a message came, until it first waits",
  async ({ node, platform }) => {
    const ref = await node.start(Agent, [true]);
    const process = processOf(node, ref.pid);
    const core = node._core;
    core.receiveFor(ref.pid, atom("one"), "app@localhost");
    node.send(ref.pid, atom("own"));
    core.receiveFrom("web@localhost", process, atom("wait"));
    core.receiveFor(ref.pid, atom("two"), "app@localhost");
    await platform.settle();
    const { seen } = process.body as unknown as Agent;
    assertEquals(seen, ["app@localhost", null, "web@localhost", null, "app@localhost"]);
    assertEquals(process.origin, null);
  },
);

nodeTest(
  "who does not ask is told nothing, and messages of sys come as they are",
  async ({ node, platform }) => {
    const ref = await node.start(Agent, [false]);
    node._core.receiveFor(ref.pid, atom("one"), "app@localhost");
    await platform.settle();
    assertEquals((processOf(node, ref.pid).body as unknown as Agent).seen, [null]);
    const asking = await node.start(Agent, [true]);
    const from = tuple(node.pid, node._core.makeRef());
    const suspend = tuple(atom("system"), from, atom("suspend")) as Term;
    node._core.receiveFor(asking.pid, suspend, "app@localhost");
    await platform.settle();
    const process = processOf(node, asking.pid);
    assertEquals(process.suspended, true);
    const resume = tuple(atom("system"), from, atom("resume")) as Term;
    node._core.receiveFor(asking.pid, resume, "app@localhost"); // would wait for itself if it waited with the others
    await platform.settle();
    assertEquals(process.suspended, false);
  },
);

nodeTest(
  "a crash while a peer's message is handled leaves nothing behind",
  async ({ node, platform }) => {
    class Fails extends GenServer {
      override init(): void {
        this._process.asksOrigin = true;
      }

      override handleInfo(): void {
        this.stop(NORMAL);
        throw new Error("boom");
      }
    }
    const ref = await node.start(Fails, []);
    const process = processOf(node, ref.pid);
    node._core.receiveFor(ref.pid, 1, "app@localhost");
    await platform.settle();
    assertEquals([process.exited, process.origin], [true, null]);
  },
);
