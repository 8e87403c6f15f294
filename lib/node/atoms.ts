import { type Atom, atom } from "../etf/atom.ts";

// The atoms that the node itself compares and sends; made once, compared with `===`.
export const NORMAL: Atom<"normal"> = atom("normal");
export const SHUTDOWN: Atom<"shutdown"> = atom("shutdown");
export const KILL: Atom<"kill"> = atom("kill");
export const KILLED: Atom<"killed"> = atom("killed");
export const NOPROC: Atom<"noproc"> = atom("noproc");
export const NOCONNECTION: Atom<"noconnection"> = atom("noconnection");
export const UNDEF: Atom<"undef"> = atom("undef");
export const ALIAS: Atom<"alias"> = atom("alias");
export const EXIT: Atom<"EXIT"> = atom("EXIT");
export const DOWN: Atom<"DOWN"> = atom("DOWN");
export const PROCESS: Atom<"process"> = atom("process");
export const GEN_CALL: Atom<"$gen_call"> = atom("$gen_call");
export const GEN_CAST: Atom<"$gen_cast"> = atom("$gen_cast");
export const IO_REQUEST: Atom<"io_request"> = atom("io_request");
export const IO_REPLY: Atom<"io_reply"> = atom("io_reply");
export const MAILBOX_FULL: Atom<"mailbox_full"> = atom("mailbox_full");
/** No process has this name: who monitors it is told so at once, and knows that what it has sent before has arrived. */
export { DELIVERED } from "../dist/order.ts";

/** The text of an atom, three of which are JavaScript values. */
export function nameOf(name: Atom | boolean | null): string {
  return name === null ? "nil" : typeof name === "boolean" ? String(name) : name.name;
}
