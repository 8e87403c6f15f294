import type { Process } from "../process/process.ts";
import { Turn } from "../process/turn.ts";

/**
 * A message of a peer for a process that acts in the name of whoever asks: it has to know which node that is, and what stands in
 * the message is only what somebody says.
 */
export class FromPeer extends Turn {
  readonly #process: Process;
  readonly #peer: string;
  readonly message: unknown;

  constructor(process: Process, peer: string, message: unknown) {
    super();
    this.#process = process;
    this.#peer = peer;
    this.message = message;
  }

  run(): unknown {
    const process = this.#process;
    process.origin = this.#peer;
    try {
      return process.body._receive(this.message);
    } finally {
      process.origin = null;
    }
  }
}
