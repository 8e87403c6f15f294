import { atom } from "../../etf/atom.ts";
import { Pid } from "../../etf/identifiers.ts";
import { ImproperList } from "../../etf/list.ts";
import type { Term } from "../../etf/term.ts";
import { isTuple } from "../../etf/tuple.ts";

const COMMAND = atom("command");
const CONNECT = atom("connect");
const CLOSE = atom("close");

/** What Erlang code asks of a port by a message: `{Owner, {command, Data}}`, `{Owner, {connect, NewOwner}}`, `{Owner, close}`. */
export type PortCommand =
  | { readonly what: "command"; readonly data: Uint8Array }
  | { readonly what: "connect"; readonly owner: Pid }
  | { readonly what: "close" };

/** The command of that owner that a message is; `null` where it is none. */
export function commandOf(message: Term, owner: Pid): PortCommand | null {
  if (!isTuple(message) || message.length !== 2 || !owner.equals(message[0])) return null;
  const request: Term = message[1];
  if (request === CLOSE) return { what: "close" };
  if (!isTuple(request) || request.length !== 2) return null;
  if (request[0] === CONNECT && request[1] instanceof Pid) {
    return { what: "connect", owner: request[1] };
  }
  if (request[0] !== COMMAND) return null;
  const data = ioData(request[1]);
  return data === null ? null : { what: "command", data };
}

const utf8 = new TextEncoder();

/** The bytes of Erlang's iodata: a binary, or a list of bytes, binaries and such lists. `null` where it is none. */
export function ioData(data: Term): Uint8Array | null {
  const bytes: number[] = [];
  const left: Term[] = [data];
  while (left.length > 0) {
    const next = left.pop();
    if (next instanceof Uint8Array) { for (const byte of next) bytes.push(byte); }
    else if (typeof next === "string") { for (const byte of utf8.encode(next)) bytes.push(byte); }
    else if (typeof next === "number" && Number.isInteger(next) && next >= 0 && next < 256) {
      bytes.push(next);
    } else if (next instanceof ImproperList) {
      left.push(next.tail);
      for (let i = next.elements.length - 1; i >= 0; i--) left.push(next.elements[i]);
    } else if (Array.isArray(next) && !isTuple(next)) {
      for (let i = next.length - 1; i >= 0; i--) left.push(next[i] as Term);
    } else return null;
  }
  return Uint8Array.from(bytes);
}
