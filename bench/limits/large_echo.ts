// 1 MB there and back over a raw TCP connection, by the runtime's own quickest sockets: nothing is encoded and no memory is made, but
// each side joins the bytes into one piece, as whoever receives a binary has to, before it sends them on. `large_echo.ts far` is the other side: it prints
// `ready PORT`, and ends with its standard input; `large_echo.ts ping --far PORT` measures. Where `own` stands behind `far` and `ping`, each piece comes
// into memory of its own, as it is the receiver's, and is copied before it is sent, so that it may be changed at once: no message can do without.

import process from "node:process";
import { connect, createServer, type Socket } from "node:net";
import { pick, report, task } from "../workloads/_report.ts";

const SIZE = 1024 * 1024;

const it = task();
const isOwn = it.names[1] === "own";
/** Where pieces are copied to that are to be sent: the one before has been sent by then. */
const copy = new Uint8Array(SIZE);

function toSend(piece: Uint8Array): Uint8Array {
  if (!isOwn) return piece;
  copy.set(piece);
  return copy;
}

/** Joins what comes into pieces of `SIZE` bytes: the next one comes when the last one has been sent on. */
class Pieces {
  readonly #whole: (piece: Uint8Array) => void;
  #piece = new Uint8Array(SIZE);
  #used = 0;

  constructor(whole: (piece: Uint8Array) => void) {
    this.#whole = whole;
  }

  /** Where the next bytes may be written at once. */
  get room(): Uint8Array {
    return this.#piece.subarray(this.#used);
  }

  /** So many bytes were written there. */
  filled(count: number): void {
    this.#used += count;
    if (this.#used < SIZE) return;
    this.#used = 0;
    const piece = this.#piece;
    if (isOwn) this.#piece = new Uint8Array(SIZE);
    this.#whole(piece);
  }

  take(bytes: Uint8Array): void {
    this.#piece.set(bytes, this.#used);
    this.filled(bytes.length);
  }
}

/** Calls `whole` for each piece that comes; sends one. */
type Open = (whole: (piece: Uint8Array) => void) => (piece: Uint8Array) => void;
interface Sockets {
  /** Sends each piece back. Gives its port. */
  echo(): Promise<number>;
  dial(port: number): Promise<Open>;
}

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(on: boolean): void;
}
interface BunSocket {
  write(bytes: Uint8Array): number;
  setNoDelay(on: boolean): void;
  data: { take(bytes: Uint8Array): void; drain(): void };
}
interface BunOptions {
  readonly hostname: string;
  readonly port: number;
  readonly socket: {
    open(socket: BunSocket): void;
    data(socket: BunSocket, bytes: Uint8Array): void;
    drain(socket: BunSocket): void;
  };
}
const { Deno, Bun } = globalThis as unknown as {
  Deno: {
    listen(options: object): AsyncIterable<DenoConn> & { readonly addr: { readonly port: number } };
    connect(options: object): Promise<DenoConn>;
  };
  Bun: {
    listen(options: BunOptions): { readonly port: number };
    connect(options: BunOptions): Promise<BunSocket>;
  };
};
const LOOPBACK = { hostname: "127.0.0.1" };

function openDeno(conn: DenoConn): Open {
  conn.setNoDelay(true);
  return (whole) => {
    const pieces = new Pieces(whole);
    const read = async (): Promise<void> => {
      for (let n; (n = await conn.read(pieces.room)) !== null;) pieces.filled(n);
    };
    read();
    return async (piece) => {
      for (let sent = 0; sent < SIZE;) sent += await conn.write(piece.subarray(sent));
    };
  };
}

function openBun(socket: BunSocket): Open {
  socket.setNoDelay(true);
  return (whole) => {
    const pieces = new Pieces(whole);
    let left: Uint8Array = new Uint8Array(0);
    const drain = (): void => void (left = left.subarray(socket.write(left)));
    socket.data = { take: (bytes) => pieces.take(bytes), drain };
    return (piece) => {
      left = piece;
      drain();
    };
  };
}

function openNode(socket: Socket): Open {
  socket.setNoDelay().on("error", () => {});
  return (whole) => {
    const pieces = new Pieces(whole);
    socket.on("data", (bytes) => pieces.take(bytes));
    return (piece) => void socket.write(piece);
  };
}

function serve(open: Open): void {
  const send = open((piece) => send(toSend(piece)));
}

const bunSocket = (open: (socket: BunSocket) => void): BunOptions["socket"] => ({
  open,
  data: (socket, bytes) => socket.data.take(bytes),
  drain: (socket) => socket.data.drain(),
});

const SOCKETS: Readonly<Record<string, Sockets>> = {
  deno: {
    echo: () => {
      const listener = Deno.listen({ ...LOOPBACK, port: 0 });
      const accept = async (): Promise<void> => {
        for await (const conn of listener) serve(openDeno(conn));
      };
      accept();
      return Promise.resolve(listener.addr.port);
    },
    dial: async (port) => openDeno(await Deno.connect({ ...LOOPBACK, port })),
  },
  bun: {
    echo: () => {
      const socket = bunSocket((socket) => serve(openBun(socket)));
      return Promise.resolve(Bun.listen({ ...LOOPBACK, port: 0, socket }).port);
    },
    dial: async (port) =>
      openBun(await Bun.connect({ ...LOOPBACK, port, socket: bunSocket(() => {}) })),
  },
  node: {
    echo: async () => {
      const server = createServer((socket) => serve(openNode(socket)));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return (server.address() as { port: number }).port;
    },
    dial: (port) =>
      new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(openNode(socket)));
      }),
  },
};

const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const sockets = pick(SOCKETS, runtime);
if (it.names[0] === "far") {
  console.log(`ready ${await sockets.echo()}`);
  process.stdin.resume().on("end", () => process.exit());
} else {
  const open = await sockets.dial(Number(it.far));
  let back: () => void = () => {};
  const send = open(() => back());
  const megabyte = new Uint8Array(SIZE).fill(7);
  await report(it, async () => {
    for (let i = 0; i < 5; i++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      back = resolve;
      send(toSend(megabyte));
      await promise;
    }
    return 5;
  });
  process.exit();
}
