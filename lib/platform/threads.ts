// Threads beside the one that the program runs on: what each runtime gives by the same names (node:worker_threads).

/** What a thread gets besides messages. */
export interface ThreadData {
  /** Says that the thread is ours. */
  readonly of: string;
  /** What it begins with. */
  readonly settings: Uint8Array;
  /** Memory that both threads see. */
  readonly shared: SharedArrayBuffer;
}

/** What comes from a thread. */
export interface ThreadEvents {
  /** It has sent something. */
  message(bytes: Uint8Array): void;
  /** It has ended: by an error that nobody has caught, or with an exit code. Called once. */
  ended(error: unknown, code: number): void;
}

/** A thread, as whoever has started it sees it. It does not keep the program alive. */
export interface Thread {
  /** Sends bytes, whose buffer belongs to the receiver from now on. What is sent to a thread that has ended is dropped. */
  post(bytes: Uint8Array): void;
  /** Ends it, whatever it does. */
  terminate(): Promise<void>;
}

/** Starts a thread that runs a module. @throws where that is not permitted, with what to do. */
export type StartThread = (
  entry: URL,
  name: string,
  data: ThreadData,
  events: ThreadEvents,
) => Thread;

/** The other thread, as one that was started sees it. */
export interface ThreadPort {
  readonly data: ThreadData;
  post(bytes: Uint8Array): void;
  onMessage(fn: (bytes: Uint8Array) => void): void;
}
