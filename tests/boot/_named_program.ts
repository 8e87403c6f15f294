// Run by reload.test.ts: a program with a node of a fixed name. A watching runtime starts it again whenever its own text changes.
import process from "node:process";
import { GenServer, startNode } from "../../mod.ts";

class Version extends GenServer {
  override readonly calls = { version: () => "VERSION" };
}

const node = await startNode("named@localhost", {
  cookie: "secret",
  epmd: { port: Number(process.env.TEST_EPMD_PORT) },
});
await node.start(Version, [], { register: "version" });
console.log("VERSION is ready");
