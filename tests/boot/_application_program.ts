// Run by signals.test.ts: a program with applications, which does what its argument says and ends by a signal, or by itself.
import process from "node:process";
import { application, atom, GenServer, type NodeOptions, startNode } from "../../mod.ts";

/** A root that tells when it ends. */
class Root extends GenServer {
  #name = "";
  override init(name: string): void {
    this.#name = name;
    this.trapExit = true;
  }
  override async terminate(reason: unknown): Promise<void> {
    await Promise.resolve();
    console.log(`${this.#name} ended with ${String(reason)}`);
  }
}

const [, , way, epmdPort] = process.argv;
const store = application({
  name: "store",
  start: (app) => app.start(Root, ["store"]),
  prepStop: () => console.log("store prepares"),
  stop: () =>
    way === "hangs" || way === "waits" ? new Promise(() => {}) : console.log("store stops"),
});
const web = application({
  name: "web",
  applications: [store],
  start: (app) => app.start(Root, ["web"], { register: "web" }),
  stop: () => console.log("web stops"),
  mode: way === "permanent" ? "permanent" : "temporary",
});

const options: Record<string, NodeOptions> = {
  lingers: { shutdown: { total: 50 } },
  hangs: { shutdown: { application: 50 } },
  waits: { shutdown: { application: Infinity, total: Infinity } },
  interrupted: { signals: ["SIGTERM", "SIGINT"] },
};
const node = await startNode("program@localhost", {
  cookie: "secret",
  epmd: { port: Number(epmdPort) },
  applications: [web],
  ...options[way],
});
void node.stopped.then(() => console.log("stopped"));
if (way === "lingers") setInterval(() => {}, 1_000);
if (way === "permanent") node.exit(node.whereis("web")!, atom("kill"));
console.log("ready");
