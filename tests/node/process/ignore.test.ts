import { assertEquals, assertRejects } from "@std/assert";
import { GenServer } from "../../../lib/gen/server/gen_server.ts";
import { ignore, IgnoredError } from "../../../lib/node/process/ignore.ts";
import { nodeTest, NORMAL, processOf, spawned } from "../_nodes.ts";

class Unwilling extends GenServer {
  override init(wait: boolean): typeof ignore | Promise<typeof ignore> {
    return wait ? Promise.resolve(ignore) : ignore;
  }
  override terminate(): void {
    throw new Error("nothing was set up");
  }
}

nodeTest(
  "a process that does not want to run ends with normal, and leaves nothing",
  async ({ node, platform }) => {
    for (const wait of [false, true]) {
      const { pid } = await spawned(node, () => {});
      const failed = await assertRejects(
        () => node.start(Unwilling, [wait], { register: "unwilling", link: pid }),
        IgnoredError,
      );
      assertEquals(
        failed.message,
        "Cannot start Unwilling: its init returned ignore, it does not want to run",
      );
      assertEquals([failed.reason, node.whereis("unwilling")], [NORMAL, undefined]);
      assertEquals([processOf(node, pid).links, node.isAlive(pid)], [[], true]);
    }
    assertEquals(platform.logs, []);
  },
);
