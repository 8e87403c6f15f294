import {
  Connection,
  type ConnectionDown,
  type ConnectionHandler,
  type ConnectionOptions,
} from "../../lib/dist/connection.ts";
import type { Control } from "../../lib/dist/control.ts";
import { atom } from "../../lib/etf/atom.ts";
import { Pid } from "../../lib/etf/identifiers.ts";
import type { Term } from "../../lib/etf/term.ts";
import type { SocketAddress, Stream, StreamHandler } from "../../lib/transport/contract.ts";
import { FakePlatform } from "../_support/fake_platform.ts";

export const NODE = atom("a@b");
export const from = new Pid(NODE, 1, 2, 3);
export const to = new Pid(NODE, 4, 5, 6);
export const FROM = [88, 119, 3, 97, 64, 98, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
export const TO = [88, 119, 3, 97, 64, 98, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
export const LINK = [0, 0, 0, 42, 112, 131, 104, 3, 97, 1, ...FROM, ...TO];
export const TICK = [0, 0, 0, 0];

/** A frame that sends a small number to `to`. */
export function message(n: number): number[] {
  return [0, 0, 0, 45, 112, 131, 104, 3, 97, 22, ...FROM, ...TO, 131, 97, n];
}

export class FakeStream implements Stream {
  readonly local: SocketAddress = { host: "127.0.0.1", port: 1 };
  readonly remote: SocketAddress = { host: "127.0.0.1", port: 2 };
  readonly writes: number[][] = [];
  buffered = 0;
  flushes = 0;
  full = false;
  ended = false;
  destroyed = false;
  held = true;
  handler!: StreamHandler;

  start(handler: StreamHandler): void {
    this.handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    this.writes.push([...bytes]);
    return !this.full;
  }

  flush(): void {
    this.flushes++;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  ref(): void {
    this.held = true;
  }

  unref(): void {
    this.held = false;
  }

  pause(): void {}
  resume(): void {}
}

export type Event =
  | { readonly signal: Control; readonly payload: Term | undefined }
  | { readonly busy: boolean }
  | { readonly down: ConnectionDown };

export interface Setup {
  readonly stream: FakeStream;
  readonly platform: FakePlatform;
  readonly connection: Connection;
  readonly events: Event[];
  readonly handler: { -readonly [K in keyof ConnectionHandler]: ConnectionHandler[K] };
  receive(...bytes: number[][]): void;
  /** The numbers that were sent by `message`. */
  readonly numbers: () => Term[];
  readonly downs: () => ConnectionDown[];
}

export function setup(options: Partial<ConnectionOptions> = {}, flags = 5n): Setup {
  const stream = new FakeStream();
  const platform = new FakePlatform();
  const events: Event[] = [];
  const handler: Setup["handler"] = {
    signal: (signal, payload) => void events.push({ signal, payload }),
    busy: (busy) => void events.push({ busy }),
    down: (down) => void events.push({ down }),
  };
  const result = {
    role: "initiator",
    peer: "a@b",
    peerCreation: 3,
    peerFlags: 7n,
    flags,
    hidden: true,
    name: "us@b",
    creation: 4,
    replaces: false,
  } as const;
  const connection = new Connection({ stream, result }, { platform, ...options }, handler);
  return {
    stream,
    platform,
    connection,
    events,
    handler,
    receive: (...bytes) => stream.handler.data(new Uint8Array(bytes.flat())),
    numbers: () => events.flatMap((event) => "signal" in event ? [event.payload as Term] : []),
    downs: () => events.flatMap((event) => "down" in event ? [event.down] : []),
  };
}
