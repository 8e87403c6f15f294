import type { Pid } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Term } from "../etf/term.ts";
import type { MailboxOptions, Priority } from "./process/mailbox.ts";
import type { Part } from "./outside.ts";
import type { LogOptions, NodeLogger } from "./log/node_logger.ts";
import type { Process } from "./process/process.ts";

/** What an alias leads to. */
export interface Receiver {
  deliver(message: unknown, priority?: Priority): void;
  /** Where it is a call: ends it with an exit of its caller. */
  refuse?(reason: Term): void;
  /** The node has stopped, and nothing will come any more. */
  down?(reason: Term): void;
}

/** How a process is started. */
export interface SpawnOptions {
  /** Registers the process under this name before it runs. */
  readonly register?: string;
  /** Links it to this process before it runs; that process is its parent. */
  readonly link?: Process | null;
  readonly trapExit?: boolean;
  /** Default: that of the parent, or the node's. */
  readonly groupLeader?: Pid;
  /** How messages from other nodes are decoded for this process, where it differs from the node's way. */
  readonly terms?: Pick<DecodeOptions, "binaries" | "objects" | "floats">;
  readonly mailbox?: MailboxOptions;
  readonly hibernateAfter?: number;
  readonly env?: Readonly<Record<string, unknown>>;
  /** The number that it has on the whole node, where another part of it has given one. */
  readonly number?: number;
}

/** What a node does differently from its defaults. */
export interface CoreOptions {
  readonly creation?: number;
  readonly copyMessages?: boolean;
  readonly currentProcess?: boolean;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly terms?: DecodeOptions;
  readonly log?: LogOptions;
  /** One that is made already, in the place of `log`. */
  readonly logger?: NodeLogger;
  /** Where this is a part of a node only. */
  readonly part?: Part;
}
