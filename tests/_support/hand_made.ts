import { Connection } from "../../lib/dist/connection.ts";
import { CONTROL, type Control } from "../../lib/dist/control.ts";
import { EpmdClient } from "../../lib/dist/epmd_client.ts";
import { type Established, initiate } from "../../lib/dist/establish.ts";
import { announcedFlags } from "../../lib/dist/flags.ts";
import { atom } from "../../lib/etf/atom.ts";
import { encode } from "../../lib/etf/encoder.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import type { Encodable, Term } from "../../lib/etf/term.ts";
import { type Tuple, tuple } from "../../lib/etf/tuple.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";
import type { Stream } from "../../lib/transport/contract.ts";
import { defaultTransport } from "../../lib/transport/default.ts";
import { COOKIE } from "./interop.ts";

const CREATION = 77;

export interface HandMadeOptions {
  readonly name?: string;
  readonly cookie?: string;
  readonly flags?: bigint;
  /** Where the node's distribution listens, over a transport of the test's own. */
  readonly stream?: Stream;
}

/** A stream to a node whose port EPMD knows. */
export async function dial(node: string, epmdPort: number): Promise<Stream> {
  const [platform, transport] = [await defaultPlatform(), await defaultTransport()];
  const client = new EpmdClient({ transport, platform, port: epmdPort });
  const found = await client.lookup(node.split("@")[0]);
  if (found === null) throw new Error(`${node} is not registered with the EPMD at ${epmdPort}`);
  return await transport.connect({ host: "127.0.0.1", port: found.port });
}

/** A peer that has shown the cookie and then does what a test tells it: right or wrong, signals or bytes. */
export class HandMade implements AsyncDisposable {
  readonly name: string;
  /** What came from the node, ticks aside. */
  readonly signals: { readonly control: Control; readonly payload: Term | undefined }[] = [];
  /** Resolves when the node has closed the connection, or we have. */
  readonly closed: Promise<void>;
  readonly #connection: Connection;
  readonly #stream: Stream;
  #wake: () => void = () => {};
  #numbers = 0;

  private constructor(
    name: string,
    established: Established,
    platform: Awaited<ReturnType<typeof defaultPlatform>>,
  ) {
    this.name = name;
    this.#stream = established.stream;
    let closed = (): void => {};
    this.closed = new Promise((resolve) => closed = resolve);
    this.#connection = new Connection(established, { platform }, {
      signal: (control, payload) => {
        this.signals.push({ control, payload });
        this.#wake();
      },
      busy: () => {},
      down: closed,
    });
  }

  /** @throws {HandshakeError} if the node does not let it in. */
  static async connect(
    node: string,
    epmdPort: number,
    options: HandMadeOptions = {},
  ): Promise<HandMade> {
    const { name = "handmade@localhost", cookie = COOKIE, flags = announcedFlags() } = options;
    const platform = await defaultPlatform();
    const stream = options.stream ?? await dial(node, epmdPort);
    const established = await initiate(stream, {
      platform,
      name,
      peer: node,
      creation: CREATION,
      flags,
      cookie: () => cookie,
    });
    return new HandMade(name, established, platform);
  }

  pid(): Pid {
    return new Pid(atom(this.name), ++this.#numbers, 0, CREATION);
  }

  ref(): Ref {
    return new Ref(atom(this.name), CREATION, [++this.#numbers, 1, 2]);
  }

  /** Sends a signal as it should be. */
  send(...[control, payload]: Parameters<Connection["send"]>): void {
    this.#connection.send(control, payload);
  }

  /** Sends bytes as they are. */
  raw(...bytes: readonly Uint8Array[]): void {
    for (const part of bytes) this.#stream.write(part);
  }

  /** Whether all of it is out. */
  get sent(): boolean {
    return this.#stream.buffered === 0;
  }

  /** A frame of the connection around these bytes. */
  frame(...parts: readonly Uint8Array[]): Uint8Array {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const frame = new Uint8Array(4 + length);
    new DataView(frame.buffer).setUint32(0, length);
    let at = 4;
    for (const part of parts) {
      frame.set(part, at);
      at += part.length;
    }
    return frame;
  }

  /** A pass-through packet with that control message, be it one or not, and what follows it. */
  packet(control: Encodable, ...behind: readonly Uint8Array[]): Uint8Array {
    return this.frame(Uint8Array.of(112), encode(control), ...behind);
  }

  /** Calls a server as gen_server does, and waits for the reply. */
  async call(server: string, request: Encodable): Promise<Term> {
    const [from, ref] = [this.pid(), this.ref()];
    const tag = new ImproperList([atom("alias")], ref) as Term;
    const message = tuple(atom("$gen_call"), tuple(from, tag), request) as unknown as Term;
    this.send([CONTROL.REG_SEND, from, atom(""), atom(server)], message);
    const { payload } = await this.signal(({ control }) =>
      control[0] === CONTROL.ALIAS_SEND && ref.equals(control[2])
    );
    return (payload as Tuple)[1];
  }

  /** The first signal that fits, taken out of those that came. */
  async signal(
    fits: (signal: HandMade["signals"][number]) => boolean,
  ): Promise<HandMade["signals"][number]> {
    for (;;) {
      const at = this.signals.findIndex(fits);
      if (at >= 0) return this.signals.splice(at, 1)[0];
      await Promise.race([
        new Promise<void>((resolve) => this.#wake = resolve),
        this.closed.then(() => {
          throw new Error(`${this.name} was disconnected`);
        }),
      ]);
    }
  }

  close(): void {
    this.#connection.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return this.closed;
  }
}
