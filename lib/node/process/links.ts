import type { Pid } from "../../etf/identifiers.ts";
import type { Term } from "../../etf/term.ts";
import { NOPROC } from "../atoms.ts";
import type { Core } from "../core.ts";
import type { Linked, Process } from "./process.ts";

interface Broken {
  readonly other: Linked;
  readonly from: Pid;
  readonly reason: Term;
}

/**
 * The links of processes that have ended, whose other ends are to be told. An end that is told may end too: they are worked off
 * one after another, since a chain of links may be longer than the stack.
 */
export class BrokenLinks {
  #broken: Broken[] = [];
  #working = false;
  #fault: (error: unknown) => void;

  /** @param fault an end that cannot be told; the others are. */
  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /** A process has ended. Its links have been told when the outermost call returns. */
  add(others: Iterable<Linked>, from: Pid, reason: Term): void {
    for (const other of others) this.#broken.push({ other, from, reason });
    if (this.#working) return;
    this.#working = true;
    for (let i = 0; i < this.#broken.length; i++) {
      const { other, from, reason } = this.#broken[i];
      try {
        other.linkBroken(from, reason);
      } catch (error) {
        this.#fault(error);
      }
    }
    this.#broken = [];
    this.#working = false;
  }
}

/** Links two processes; where there is no such other one, the signal `noproc` comes. */
export function linkProcesses(core: Core, process: Process, pid: Pid): void {
  process.mustLive("link");
  if (pid.equals(process.pid) || process.isLinked(pid)) return;
  const remote = core.remoteOf(pid);
  if (remote !== null) return remote.link(process, pid);
  const other = core.process(pid);
  if (other === undefined) {
    process.exitSignal(pid, NOPROC, true);
  } else {
    process.addLink(other);
    other.addLink(process);
    core.outside?.linked(process.pid, pid);
  }
}

/** Takes a link back, at both ends. */
export function unlinkProcesses(core: Core, process: Process, pid: Pid): void {
  const remote = core.knownOf(pid);
  if (remote === undefined) return void process.removeLink(pid); // there is none, or its node was lost just now
  if (remote !== null) return remote.unlink(process, pid);
  if (process.removeLink(pid)) core.outside?.unlinked(process.pid, pid);
  core.process(pid)?.removeLink(process.pid);
}
