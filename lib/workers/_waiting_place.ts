import type { Encodable, Term } from "../etf/term.ts";
import type { Core } from "../node/core.ts";
import { Mail } from "./_mail.ts";
import { type Place, type PlacedBody, PlacedProcess } from "./placed_process.ts";

/** A thread that takes over what waited for one. */
export interface NextPlace {
  adopt(process: PlacedProcess): void;
  post(bytes: Uint8Array): void;
}

/** Where processes are that were placed on a thread of which it is not known whether it does anything any more: what they are told waits. */
export class WaitingPlace implements Place {
  readonly #processes: Set<PlacedProcess> = new Set();
  readonly #posted: Uint8Array[] = [];
  readonly #mail: Mail = new Mail((bytes) => void this.#posted.push(bytes), () => {});

  get size(): number {
    return this.#processes.size;
  }

  add(core: Core, number: number, body: PlacedBody): PlacedProcess {
    const process = new PlacedProcess(core, core.pids.pid(number), body, this);
    this.#processes.add(process);
    core.processes.set(number, process);
    return process;
  }

  tell(op: number, fields: readonly Encodable[], payload?: Encodable): void {
    this.#mail.write(op, fields, payload);
  }

  tellReason(op: number, fields: readonly Encodable[], reason: Term): void {
    this.#mail.writeReason(op, fields, reason);
  }

  forget(process: PlacedProcess): void {
    this.#processes.delete(process);
  }

  /** Nothing of them runs. */
  check(): void {}

  /** Hands all over to a thread, those too that have ended meanwhile, which it is told of. */
  moveTo(next: NextPlace): void {
    for (const process of this.#processes) next.adopt(process);
    this.#mail.flush();
    for (const bytes of this.#posted) next.post(bytes);
  }

  /** There is no thread for them. */
  end(reason: Term): void {
    for (const process of [...this.#processes]) process.hasEnded(reason);
  }
}
