import { EncodeError } from "../etf/errors.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { type Tuple, tuple } from "../etf/tuple.ts";
import { NOPROC } from "./atoms.ts";
import { type Call, type CallOptions, isMultiCall, monitorRef, replyAddress } from "./call.ts";
import type { Core, RemoteNode } from "./core.ts";
import { BusyError } from "./errors.ts";
import type { Priority } from "./process/mailbox.ts";
import type { Process } from "./process/process.ts";
import { failByName } from "./remote/caller_monitor.ts";
import type { Address, Name } from "./target.ts";

/** Makes a call the message that a process of this node gets where it does not get the call itself. */
type Messaged = (
  core: Core,
  from: Process,
  process: Process,
  call: Call,
  address: Pid | Name,
) => unknown;

/** What a process of this node would get if the call came from another one. */
export const COPIED: Messaged = (core, from, process, call, address) =>
  core.copy(call.message(process.body._requestTerm?.(call.request, false)), address, from);

/** The call as the term that it stands for. */
export const MESSAGE: Messaged = (_core, _from, _process, call) => call.message();

/**
 * Brings a call to its process, here or on another node.
 *
 * @param message the call as a message, where a process of this node gets it as one.
 */
export function placeCall(
  core: Core,
  from: Process,
  address: Pid | Name,
  call: Call,
  message: Messaged | null,
  options: CallOptions,
): Promise<unknown> {
  if (call.done) return call.promise; // also where the options are none
  const remote = core.remoteOf(address);
  if (remote !== null) callRemote(core, from, remote, address, call);
  else callLocal(core, from, address, call, message, options.priority);
  return call.promise;
}

function callRemote(
  core: Core,
  from: Process,
  remote: RemoteNode,
  address: Pid | Name,
  call: Call,
): void {
  const ref = call.ref;
  try {
    admit(remote, from);
    const to = address instanceof Pid ? address : address.name;
    const monitor = remote.monitor(call.pid, to, ref, call);
    if (call.done) return;
    call.place = monitor;
    call.plainTag = remote.plainTags;
    sendTo(remote, from, address, core.outgoing(from, call.message() as Encodable));
  } catch (error) {
    call.fail(error);
  }
}

function callLocal(
  core: Core,
  from: Process,
  address: Pid | Name,
  call: Call,
  message: Messaged | null,
  priority: Priority | undefined,
): void {
  const process = core.local(address);
  if (process === undefined) {
    // In turn, not at once: who tries again and again would let nothing else run, and wait for a process that cannot start.
    return core.scheduler.schedule({ run: () => call.down(NOPROC) });
  }
  if (process === from && process !== core.main) {
    return call.fail(
      new Error(`Cannot call ${call.target}: a process that calls itself would wait for ever`),
    );
  }
  if (message === null) {
    // A call like most others has the shortest way.
    if (priority === undefined && process._rare === null) process.deliver(call);
    else process.post(call, priority);
    return;
  }
  try {
    const made = message(core, from, process, call, address);
    process.keepCall(call);
    process.post(made, priority);
  } catch (error) {
    call.fail(error);
  }
}

/**
 * Answers a call in the name of its server: what that server sends to the caller otherwise keeps its order with the reply. One that
 * has exited answers no more. Where too much waits to be sent, the caller is told by an exit, unless the server is one of the node's own.
 */
export function sendReply(
  core: Core,
  from: Tuple<[Pid, Term]>,
  value: Encodable,
  server: Process,
): void {
  if (server.exited && server !== core.main) return;
  const address = replyAddress(from);
  // A peer may say that it is one of our processes who calls: what makes a request of the reply is the peer's, not ours.
  if (address instanceof Pid && core.process(address)?.asksOrigin === true) return;
  const remote = core.remoteOf(address);
  try {
    if (remote === null || server.exited) {
      core.send(server, address, tuple(from[1], value) as unknown as Tuple);
    } else {
      const message = tuple(from[1], core.outgoing(server, value)) as unknown as Tuple;
      sendTo(remote, server, address, message, from[0]);
    }
  } catch (error) {
    if (error instanceof EncodeError) throw error._within("[1]"); // the tag is the caller's
    if (!(error instanceof BusyError)) throw error;
    core.fault("Cannot answer a call", error);
    failCaller(core, from, error.exitReason, server);
  }
}

/**
 * Ends a call with an exit of its caller, though the server lives on. Does nothing where the caller has no monitor.
 *
 * @param server the process that was called, on which the caller's monitor is: it is found by that where the tag does not name it.
 */
export function failCaller(
  core: Core,
  from: Tuple<[Pid, Term]>,
  reason: Term,
  server?: Process,
): void {
  const address = replyAddress(from);
  const ref = monitorRef(from[1]) ?? (address instanceof Ref ? address : null);
  if (ref === null) {
    if (server === undefined || !isMultiCall(from[1], core.name)) return;
    if (core.outside === null) failByName(server, from[0], reason);
    else core.outside.failByName(server.pid, from[0], reason);
    return;
  }
  const remote = core.knownOf(ref); // a node of which nothing is known has no monitors here
  if (remote === null) core.receiverOf(ref)?.refuse?.(reason);
  else remote?.failCaller(ref, reason);
}

/**
 * Sends to another node, in the name of a process of this one.
 *
 * @throws {BusyError} where too much waits to be sent, unless the process is one of the node's own: others wait for what it says.
 */
export function sendTo(
  remote: RemoteNode,
  from: Process,
  to: Address,
  message: Encodable,
  receiver?: Pid,
  priority?: Priority,
): void {
  try {
    remote.send(from.pid, to, message, receiver, priority);
  } catch (error) {
    if (!goesAnyway(from, error)) throw error;
    remote.mustSend(from.pid, to, message);
  }
}

/** The same before anything is done for a call. */
function admit(remote: RemoteNode, from: Process): void {
  try {
    remote.admit();
  } catch (error) {
    if (!goesAnyway(from, error)) throw error;
  }
}

function goesAnyway(from: Process, error: unknown): boolean {
  return error instanceof BusyError && from.body._essential === true;
}
