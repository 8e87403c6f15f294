// The slice of Bun that the adapter uses, so that neither tsc nor the npm build needs Bun's types.

export interface BunSocket<T> {
  /** What the adapter keeps with the socket. */
  data: T | undefined;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The count that the system took, -1 where the socket is closed. */
  write(bytes: Uint8Array): number;
  shutdown(): void;
  /** Closes at once. (`terminate` would send a reset, and the peer would lose what is on its way.) */
  close(): void;
  pause(): void;
  resume(): void;
  ref(): void;
  unref(): void;
  setNoDelay(on: boolean): void;
}
export interface BunHandlers<T> {
  binaryType: "uint8array";
  open(socket: BunSocket<T>): void;
  data(socket: BunSocket<T>, bytes: Uint8Array): void;
  drain(socket: BunSocket<T>): void;
  end(socket: BunSocket<T>): void;
  close(socket: BunSocket<T>, error?: Error): void;
  error(socket: BunSocket<T>, error: Error): void;
  connectError?(socket: BunSocket<T>, error: Error): void;
}
export interface BunAddress<T> {
  hostname: string;
  port: number;
  allowHalfOpen: true;
  socket: BunHandlers<T>;
}
export interface BunListener {
  readonly hostname: string;
  readonly port: number;
  stop(): void;
  ref(): void;
  unref(): void;
}
export interface BunSlice {
  connect<T>(options: BunAddress<T>): Promise<BunSocket<T>>;
  listen<T>(options: BunAddress<T>): BunListener;
}
