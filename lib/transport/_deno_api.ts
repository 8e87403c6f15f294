// The slice of Deno that the adapter uses, so that neither tsc nor the npm build needs Deno's types.

export interface DenoAddress {
  readonly hostname: string;
  readonly port: number;
}
export interface DenoConn {
  readonly localAddr: DenoAddress;
  readonly remoteAddr: DenoAddress;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  ref(): void;
  unref(): void;
  setNoDelay(on: boolean): void;
}
export interface DenoListener {
  readonly addr: DenoAddress;
  accept(): Promise<DenoConn>;
  close(): void;
  ref(): void;
  unref(): void;
}
export interface DenoSlice {
  connect(
    options: { hostname: string; port: number; signal?: AbortSignal },
  ): Promise<DenoConn>;
  listen(options: { hostname: string; port: number }): DenoListener;
}
