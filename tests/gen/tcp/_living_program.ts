// Run by programs.test.ts: a node that does not keep its program alive, and a server that does or does not.
import process from "node:process";
import { startNode, TcpConnection, tcpServer } from "../../../mod.ts";

class Quiet extends TcpConnection {}

const node = await startNode("living@localhost", { network: false });
const server = await node.start(tcpServer(Quiet, { port: 0 }), []);
node.unref();
server.ref();
if (process.argv[2] === "unref") server.unref();
console.log("up");
