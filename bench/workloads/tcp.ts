// The floor under every remote call: 64 bytes there and back over a raw TCP connection, by the runtime's own quickest sockets (Bun.connect,
// Deno.connect, node:net). `tcp.ts ping --far PORT`; without --far both ends are in this process. `tcp.ts far` is the other side: it
// prints `ready PORT`, and ends with its standard input. `tcp.ts ping 197 86` and `tcp.ts far 197 86`: so many bytes there, so many back.

import process from "node:process";
import type { Socket } from "node:net";
import { pick, report, task } from "./_report.ts";

const it = task();
const [THERE = 64, BACK = THERE] = it.names.slice(1).map(Number).filter(Number.isInteger);

/** Listens, and answers `THERE` bytes with `BACK`. */
type Echo = () => Promise<{ readonly port: number; close(): void }>;
/** Connects: each `ping` resolves when `BACK` bytes have come. */
type Dial = (port: number) => Promise<{ ping(): Promise<void>; close(): void }>;

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  setNoDelay(on: boolean): void;
}
interface DenoListener extends AsyncIterable<DenoConn> {
  readonly addr: { readonly port: number };
  close(): void;
}
interface BunSocket {
  write(bytes: Uint8Array): number;
  end(): void;
  setNoDelay(on: boolean): void;
}
interface BunHandler {
  readonly data: (socket: BunSocket, bytes: Uint8Array) => void;
  readonly open?: (socket: BunSocket) => void;
}
interface BunOptions {
  readonly hostname: string;
  readonly port: number;
  readonly socket: BunHandler;
}
const { Deno, Bun } = globalThis as unknown as {
  Deno: {
    listen(options: object): DenoListener;
    connect(options: object): Promise<DenoConn>;
  };
  Bun: {
    listen(options: BunOptions): { readonly port: number; stop(): void };
    connect(options: BunOptions): Promise<BunSocket>;
  };
};

const LOOPBACK = { hostname: "127.0.0.1" };

const SOCKETS: Readonly<Record<string, { readonly echo: Echo; readonly dial: Dial }>> = {
  deno: {
    echo: () => {
      const listener = Deno.listen({ ...LOOPBACK, port: 0 });
      const serve = async (conn: DenoConn): Promise<void> => {
        const [buffer, back] = [new Uint8Array(1024), new Uint8Array(BACK)];
        let left = THERE;
        for (let n; (n = await conn.read(buffer)) !== null;) {
          if ((left -= n) > 0) continue;
          left = THERE;
          await conn.write(back);
        }
        conn.close();
      };
      const accept = async (): Promise<void> => {
        for await (const conn of listener) {
          conn.setNoDelay(true);
          serve(conn);
        }
      };
      accept();
      return Promise.resolve({ port: listener.addr.port, close: () => listener.close() });
    },
    dial: async (port) => {
      const conn = await Deno.connect({ ...LOOPBACK, port });
      conn.setNoDelay(true);
      const [out, into] = [new Uint8Array(THERE), new Uint8Array(1024)];
      const ping = async (): Promise<void> => {
        await conn.write(out);
        for (let left = BACK; left > 0;) left -= await conn.read(into) ?? fail();
      };
      return { ping, close: () => conn.close() };
    },
  },
  bun: {
    echo: () => {
      const back = new Uint8Array(BACK);
      // There is one connection.
      let left = THERE;
      const socket: BunHandler = {
        open: (socket) => socket.setNoDelay(true),
        data: (socket, bytes) => {
          if ((left -= bytes.length) > 0) return;
          left = THERE;
          socket.write(back);
        },
      };
      const server = Bun.listen({ ...LOOPBACK, port: 0, socket });
      return Promise.resolve({ port: server.port, close: () => server.stop() });
    },
    dial: async (port) => {
      const pong = new Pong();
      const socket = await Bun.connect({
        ...LOOPBACK,
        port,
        socket: { data: (_, bytes) => pong.got(bytes.length) },
      });
      socket.setNoDelay(true);
      const out = new Uint8Array(THERE);
      return { ping: () => pong.after(() => socket.write(out)), close: () => socket.end() };
    },
  },
  node: {
    echo: async () => {
      const { createServer } = await import("node:net");
      const back = new Uint8Array(BACK);
      const server = createServer((socket) => {
        let left = THERE;
        socket.setNoDelay().on("error", () => {}).on("data", (bytes) => {
          if ((left -= bytes.length) > 0) return;
          left = THERE;
          socket.write(back);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      return { port, close: () => server.close() };
    },
    dial: async (port) => {
      const { connect } = await import("node:net");
      const pong = new Pong();
      const socket = await new Promise<Socket>((resolve) => {
        const made = connect(port, "127.0.0.1", () => resolve(made)).setNoDelay();
      });
      socket.on("data", (bytes) => pong.got(bytes.length));
      const out = new Uint8Array(THERE);
      return { ping: () => pong.after(() => socket.write(out)), close: () => socket.destroy() };
    },
  },
};

/** Counts bytes until a whole message is back. */
class Pong {
  #left = 0;
  #back: () => void = () => {};

  after(send: () => unknown): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#left = BACK;
    this.#back = resolve;
    send();
    return promise;
  }

  got(bytes: number): void {
    this.#left -= bytes;
    if (this.#left === 0) this.#back();
  }
}

function fail(): never {
  throw new Error("Cannot go on: the connection was closed by the other side");
}

const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const { echo, dial } = pick(SOCKETS, runtime);
if (it.names[0] === "far") {
  const { port } = await echo();
  console.log(`ready ${port}`);
  process.stdin.resume().on("end", () => process.exit());
} else {
  const far = it.far === undefined ? await echo() : null;
  const near = await dial(Number(far?.port ?? it.far));
  await report(it, async () => {
    for (let i = 0; i < 200; i++) await near.ping();
    return 200;
  });
  near.close();
  far?.close();
  process.exit();
}
