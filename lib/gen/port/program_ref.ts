import type { Binary } from "../../etf/binary.ts";
import type { Pid } from "../../etf/identifiers.ts";
import type { ExitStatus } from "../../platform/child.ts";
import type { Node } from "../../node/node.ts";
import type { Packet } from "../framing/packing.ts";
import { ServerRef } from "../server/server_ref.ts";
import type { Program } from "./program.ts";

/** A reference to a {@linkcode Program} of this node. */
export class ProgramRef<S extends Program = Program> extends ServerRef<S> {
  readonly #program: S;

  /** @ignore @internal */
  constructor(node: Node, pid: Pid, program: S) {
    super(node, pid, node._core.main, {});
    this.#program = program;
  }

  /** The system's number of the program. */
  get osPid(): number {
    return this.#program.osPid;
  }

  /** How the program has ended, once it has. It never rejects. */
  get exited(): Promise<ExitStatus> {
    return this.#program._status;
  }

  /**
   * Writes a packet to its input, and resolves when there is room for another one: who awaits it fills no memory. What a program does not
   * read any more is dropped; `exited` tells.
   */
  async write(packet: Packet): Promise<void> {
    await this.#program.drained();
    if (!this.#program.write(packet)) await this.#program.drained();
  }

  /** Closes its input behind what was written. Idempotent. */
  endInput(): void {
    this.#program.endInput();
  }

  /** Sends it a signal. Does nothing where it has ended. */
  kill(signal?: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGHUP"): void {
    this.#program.kill(signal);
  }

  /**
   * What it writes, packet by packet, until its end, for one reader: what nobody reads waits, and holds the program back. A reader that is
   * left leaves the rest to the next one. Nothing comes where the class handles it itself, or it has an owner.
   */
  output(): AsyncIterableIterator<Binary> {
    return this.#program._output("stdout");
  }

  /** The same of its standard error, where that is `"piped"`. */
  errorOutput(): AsyncIterableIterator<Binary> {
    return this.#program._output("stderr");
  }
}
