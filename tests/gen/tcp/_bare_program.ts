// Run by programs.test.ts with no permission but the network: TCP and UDP must work so, and a program says what it needs.
import {
  type Binary,
  program,
  type SocketAddress,
  startNode,
  TcpConnection,
  tcpServer,
  Udp,
} from "../../../mod.ts";

class Echo extends TcpConnection {
  override handlePacket(bytes: Binary): void {
    this.write(bytes);
  }
}
class Client extends TcpConnection {
  #heard: (text: string) => void = () => {};
  override init(port: number, heard: (text: string) => void): Promise<void> {
    this.#heard = heard;
    return this.connect({ host: "127.0.0.1", port });
  }
  override handleConnect(): void {
    this.write("tcp");
  }
  override handlePacket(bytes: Binary): void {
    this.#heard(bytes.text);
  }
}
class Mirror extends Udp {
  override init(heard: (text: string) => void): Promise<SocketAddress> {
    this.#heard = heard;
    return this.bind();
  }
  #heard: (text: string) => void = () => {};
  override readonly casts = { say: () => void this.sendDatagram("udp", this.address) };
  override handleDatagram(bytes: Binary): void {
    this.#heard(bytes.text);
  }
}

const node = await startNode("bare@localhost", { network: false });
const server = await node.start(tcpServer(Echo, { port: 0 }), []);
const tcp = await new Promise((heard) => {
  void node.start(Client, [server.address.port, heard]);
});
const udp = await new Promise((heard) => {
  void node.start(Mirror, [heard]).then((mirror) => mirror.cast("say"));
});
const run = await node.start(program("true"), []).then(() => "runs", (error) => error.cause.code);
await node.stop();
console.log(tcp, udp, run);
