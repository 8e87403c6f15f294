import { connect, createServer, type Server, type Socket } from "node:net";

/** What a relay does to the connections that go through it. */
export type Cut =
  /** Both ends get a reset. */
  | "reset"
  /** Both ends get the end of the stream, in order. */
  | "end"
  /** One more piece goes through, but only a part of it, in one direction; behind it the stream ends. The other end gets a reset. */
  | "in the middle of a frame";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A cable between two nodes that can be cut, or made slow, or let nothing through. */
export class Relay implements AsyncDisposable {
  /** Where it listens, on loopback. */
  readonly port: number;
  /** How many connections have gone through it. */
  connections = 0;
  readonly #server: Server;
  readonly #pairs: Set<Pair> = new Set();
  #delay = 0;
  #blackHole = false;
  #partOf: Socket | null = null;
  #waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  /** @param target the port on loopback to which all goes; asked for at each connection, `null` refuses it. */
  static async start(target: () => number | null): Promise<Relay> {
    // deno-lint-ignore prefer-const -- the server needs its relay, and the other way round
    let relay: Relay;
    const server = createServer({ allowHalfOpen: true }, (near) => relay.#accept(near, target()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    relay = new Relay(server);
    return relay;
  }

  /** How many connections go through it now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Resolves when a connection goes through it: at once where one does. */
  connected(): Promise<void> {
    if (this.#pairs.size > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Cuts every connection. `seed` chooses the direction and the part, where only a part of a piece goes through. */
  cut(how: Cut, seed = 0): void {
    for (const pair of [...this.#pairs]) {
      if (how === "reset") this.#reset(pair);
      else if (how === "end") this.#end(pair);
      else this.#mangle(pair, seed);
    }
  }

  /** Every piece takes so many milliseconds longer from now on; order is kept. */
  delay(ms: number): void {
    this.#delay = ms;
  }

  /** From now on nothing goes through, in either direction, and nobody is told; or everything again, with what waited. */
  blackHole(on: boolean): void {
    this.#blackHole = on;
    for (const { near, far } of this.#pairs) {
      for (const socket of [near, far]) {
        if (on) socket.pause();
        else socket.resume();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of [...this.#pairs]) this.#reset(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket, target: number | null): void {
    near.on("error", () => {});
    if (target === null) return void near.destroy();
    const far = connect({ host: "127.0.0.1", port: target, allowHalfOpen: true });
    const pair = { near, far };
    this.connections++;
    this.#pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.setNoDelay(true);
      from.on("error", () => this.#reset(pair));
      from.on("close", () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      from.on(
        "data",
        (bytes: Uint8Array) => this.#later(() => this.#forward(from, to, bytes)),
      );
      from.on("end", () => this.#later(() => to.end()));
      if (this.#blackHole) from.pause();
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #later(act: () => void): void {
    if (this.#delay === 0) act();
    else setTimeout(act, this.#delay);
  }

  #forward(from: Socket, to: Socket, bytes: Uint8Array): void {
    if (this.#partOf !== from) return void to.write(bytes);
    this.#partOf = null;
    const part = bytes.subarray(0, Math.max(1, Math.floor(bytes.length / 2)));
    to.end(part); // in order, or the system would drop what was not read yet
    if (from.writableEnded) from.destroy();
    else from.resetAndDestroy();
  }

  #mangle(pair: Pair, seed: number): void {
    this.#partOf = seed % 2 === 0 ? pair.near : pair.far;
  }

  #end({ near, far }: Pair): void {
    near.end();
    far.end();
  }

  #reset(pair: Pair): void {
    this.#pairs.delete(pair);
    for (const socket of [pair.near, pair.far]) {
      if (socket.destroyed) continue;
      // A reset of what is being ended in order would leave Node's handle open.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
