// Run by stop_node.test.ts: a program with a node, which does what its arguments say and must come to its end, or not, by itself.
import process from "node:process";
import { atom, GenServer, startNode } from "../../mod.ts";

class Leaving extends GenServer {
  override init(): void {
    this.trapExit = true;
  }
  override async terminate(reason: unknown): Promise<void> {
    await Promise.resolve();
    console.log(`terminated with ${reason === atom("shutdown") ? "shutdown" : "something else"}`);
  }
}

const [, , way, epmdPort, name = "program@localhost"] = process.argv;
const node = await startNode(name, { cookie: "secret", epmd: { port: Number(epmdPort) } });
const peer = process.argv[5];
if (peer !== undefined) await node.connect(peer);
await node.start(Leaving, []);
void node.stopped.then(() => console.log("stopped"));
switch (way) {
  case "stops":
    await node.stop();
    break;
  case "unref":
    node.unref();
    break;
  case "unref and ref":
    node.unref();
    node.ref();
    break;
  case "alone":
    await (await startNode("alone@localhost", { network: false })).stop();
    node.unref();
    break;
  case "calls":
    // Deadlines and sleeping processes do not keep a program alive, either.
    node.spawn((self) => self.receive({ timeout: 600_000 }));
    void node.sleep(600_000).catch(() => {});
    void node.call(node.spawn((self) => self.receive()), 1, { timeout: 600_000 }).catch(() => {});
    node.unref();
    break;
}
console.log("ready");
