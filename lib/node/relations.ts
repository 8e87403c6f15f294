import { Pid, Ref } from "../etf/identifiers.ts";
import { NOPROC } from "./atoms.ts";
import type { Core } from "./core.ts";
import { type Down, type Monitor, ProcessMonitor } from "./monitor.ts";
import type { Process } from "./process.ts";
import { type Address, objectOf } from "./target.ts";

/** A process watches another one, here or elsewhere. */
export function monitorProcess(
  core: Core,
  owner: Process,
  address: Address,
  handler: ((down: Down) => unknown) | null,
): Monitor {
  owner.mustLive("monitor");
  if (address instanceof Ref) {
    throw new TypeError("Cannot monitor an alias: monitor the process by its pid or name");
  }
  const object = address instanceof Pid ? address : objectOf(address, core.name);
  const monitor = new ProcessMonitor(core.makeRef(), object, owner, handler);
  const remote = core.remoteOf(address);
  if (remote !== null) {
    monitor._place = { demonitor: (taken) => remote.demonitor(taken.ref) };
    const to = address instanceof Pid ? address : address.name;
    remote.monitor(owner.pid, to, monitor.ref, monitor);
    return monitor;
  }
  const process = core.local(address);
  if (process === undefined) {
    monitor.down(NOPROC);
  } else {
    monitor._place = process;
    process.addWatcher(monitor);
  }
  return monitor;
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
  }
}

/** Takes a link back, at both ends. */
export function unlinkProcesses(core: Core, process: Process, pid: Pid): void {
  const remote = core.remoteOf(pid);
  if (remote !== null) return remote.unlink(process, pid);
  process.removeLink(pid);
  core.process(pid)?.removeLink(process.pid);
}
