// Cases of OTP's gen_server_SUITE, see the table in gen_server_suite.test.ts: names of a server and of its parent, and a start that takes too long.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { atom, format, NoProcessError, sys } from "../../../mod.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { BOOM, ended, forever, KILLED, nodeTest, until } from "../../node/_nodes.ts";
import { exitReason, failure } from "../_servers.ts";
import { Names, OK, Suite } from "./_suite.ts";

clusterTest(
  "spec_init: a server that has a name of any kind is started, called and stopped",
  async (a) => {
    for (const as of ["spec", { global: "spec" }, { via: new Names(), name: "spec" }] as const) {
      const server = await a.start(Suite, [], { register: as });
      assertStrictEquals(await a.call(as, atom("started_p")), OK);
      assertEquals(await server.stop(), undefined);
    }
  },
);

nodeTest(
  "spec_init_local_registered_parent: sys names the parent by its name",
  async ({ node }) => {
    const parent = node.spawn(forever, { register: "foobar" });
    const { pid } = await node.start(Suite, [], { link: parent });
    assertEquals(node.info(pid)!.parent, parent);
    const status = await sys.getStatus(node, pid);
    assert(format(status.dictionary).includes("{'$ancestors',[foobar]}"));
  },
);

clusterTest(
  "spec_init_global_registered_parent: a parent with a global name is a parent",
  async (a) => {
    const parent = a.spawn(forever);
    await a.global.register("foobar", parent);
    const { pid } = await a.start(Suite, [], { link: parent });
    const done = new Promise((resolve) => a.monitor(pid, ({ reason }) => resolve(reason)));
    a.exit(a.global.whereis("foobar")!, BOOM);
    assertStrictEquals(await done, BOOM);
  },
);

nodeTest(
  "otp_5854: a name that was taken back is nobody's, and the server lives on",
  async ({ node }) => {
    const { pid } = await node.start(Suite, [], { register: "armitage" });
    node.unregister("armitage");
    assertInstanceOf(await failure(node.call("armitage", atom("started_p"))), NoProcessError);
    assertStrictEquals(await node.call(pid, atom("started_p")), OK);
    const other = await node.start(Suite, [], { register: "armitage" });
    await node.call(pid, atom("stop"));
    await until(() => !node.isAlive(pid));
    assertEquals(node.whereis("armitage"), other.pid);
  },
);

nodeTest("otp_7669: a start that takes too long leaves no process", async ({ node, platform }) => {
  const before = node.processes().length;
  const start = exitReason(node.start(Suite, [atom("sleep")], { timeout: 10, register: "slow" }));
  const pid = node.whereis("slow")!;
  const done = ended(node, pid);
  await platform.elapse(10);
  assertStrictEquals(await start, atom("timeout"));
  assertStrictEquals(await done, KILLED);
  assertStrictEquals(node.processes().length, before);
  assertStrictEquals(node.whereis("slow"), undefined);
});
