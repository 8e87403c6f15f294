// One member of a group, a program of its own: NAME PORT FOLDER NAME=PORT... It prints `ready` when it runs, and lives until it is killed.
import process from "node:process";
import { fileStorage, startNode } from "../../../mod.ts";
import { Bank } from "./_bank.ts";

const [name, port, folder, ...others] = process.argv.slice(2);
const routes = Object.fromEntries(others.map((one) => {
  const [node, port] = one.split("=");
  return [node, { host: "127.0.0.1", port: Number(port) }];
}));
const node = await startNode(name, {
  cookie: "a cookie for tests",
  epmd: false,
  routes,
  listen: { host: "127.0.0.1", port: Number(port) },
});
await node.start(Bank, [{
  members: Object.keys(routes).filter((one) => !one.startsWith("driver")),
  storage: fileStorage(folder),
  electionTimeout: 1_000,
  heartbeat: 100,
  snapshotEvery: 200,
  keep: 50,
}], { register: "bank" });
console.log("ready");
