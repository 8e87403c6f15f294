import { Atom, atom } from "../etf/atom.ts";
import { Pid, Ref } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, Tuple } from "../etf/tuple.ts";

/**
 * Every control message, in the guide's order and spelling: "Protocol between Connected Nodes",
 * https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 *
 * A new control message is one row. `payload` is what follows the control message, where something does. `base` is the
 * message that a traced one is, apart from its token (seq_trace): {@linkcode readControl} turns the one into the other.
 */
// deno-fmt-ignore: one row, one line
export const CONTROL_MESSAGES = [
  { op: 1,  name: "LINK",                   fields: ["FromPid :: pid()", "ToPid :: pid()"] },
  { op: 2,  name: "SEND",                   fields: ["Unused :: term()", "ToPid :: pid()"], payload: "Message" },
  { op: 3,  name: "EXIT",                   fields: ["FromPid :: pid()", "ToPid :: pid()", "Reason :: term()"] },
  { op: 4,  name: "UNLINK",                 fields: ["FromPid :: pid()", "ToPid :: pid()"] }, // only without UNLINK_ID, gone in OTP 26
  { op: 5,  name: "NODE_LINK",              fields: [] }, // no release sends it
  { op: 6,  name: "REG_SEND",               fields: ["FromPid :: pid()", "Unused :: term()", "ToName :: atom()"], payload: "Message" },
  { op: 7,  name: "GROUP_LEADER",           fields: ["FromPid :: pid()", "ToPid :: pid()"] },
  { op: 8,  name: "EXIT2",                  fields: ["FromPid :: pid()", "ToPid :: pid()", "Reason :: term()"] },
  { op: 12, name: "SEND_TT",                fields: ["Unused :: term()", "ToPid :: pid()", "TraceToken :: term()"], payload: "Message", base: "SEND" },
  { op: 13, name: "EXIT_TT",                fields: ["FromPid :: pid()", "ToPid :: pid()", "TraceToken :: term()", "Reason :: term()"], base: "EXIT" },
  { op: 16, name: "REG_SEND_TT",            fields: ["FromPid :: pid()", "Unused :: term()", "ToName :: atom()", "TraceToken :: term()"], payload: "Message", base: "REG_SEND" },
  { op: 18, name: "EXIT2_TT",               fields: ["FromPid :: pid()", "ToPid :: pid()", "TraceToken :: term()", "Reason :: term()"], base: "EXIT2" },
  { op: 19, name: "MONITOR_P",              fields: ["FromPid :: pid()", "ToProc :: pid() | atom()", "Ref :: reference()"] },
  { op: 20, name: "DEMONITOR_P",            fields: ["FromPid :: pid()", "ToProc :: pid() | atom()", "Ref :: reference()"] },
  { op: 21, name: "MONITOR_P_EXIT",         fields: ["FromProc :: pid() | atom()", "ToPid :: pid()", "Ref :: reference()", "Reason :: term()"] },
  // OTP 21
  { op: 22, name: "SEND_SENDER",            fields: ["FromPid :: pid()", "ToPid :: pid()"], payload: "Message" },
  { op: 23, name: "SEND_SENDER_TT",         fields: ["FromPid :: pid()", "ToPid :: pid()", "TraceToken :: term()"], payload: "Message", base: "SEND_SENDER" },
  // OTP 22
  { op: 24, name: "PAYLOAD_EXIT",           fields: ["FromPid :: pid()", "ToPid :: pid()"], payload: "Reason" },
  { op: 25, name: "PAYLOAD_EXIT_TT",        fields: ["FromPid :: pid()", "ToPid :: pid()", "TraceToken :: term()"], payload: "Reason", base: "PAYLOAD_EXIT" },
  { op: 26, name: "PAYLOAD_EXIT2",          fields: ["FromPid :: pid()", "ToPid :: pid()"], payload: "Reason" },
  { op: 27, name: "PAYLOAD_EXIT2_TT",       fields: ["FromPid :: pid()", "ToPid :: pid()", "TraceToken :: term()"], payload: "Reason", base: "PAYLOAD_EXIT2" },
  { op: 28, name: "PAYLOAD_MONITOR_P_EXIT", fields: ["FromProc :: pid() | atom()", "ToPid :: pid()", "Ref :: reference()"], payload: "Reason" },
  // OTP 23. OptList is a list; what is none, or holds what is no option, OTP answers with `badopt`.
  { op: 29, name: "SPAWN_REQUEST",          fields: ["ReqId :: reference()", "From :: pid()", "GroupLeader :: pid()", "MFA :: mfa()", "OptList :: term()"], payload: "ArgList" },
  { op: 30, name: "SPAWN_REQUEST_TT",       fields: ["ReqId :: reference()", "From :: pid()", "GroupLeader :: pid()", "MFA :: mfa()", "OptList :: term()", "TraceToken :: term()"], payload: "ArgList", base: "SPAWN_REQUEST" },
  { op: 31, name: "SPAWN_REPLY",            fields: ["ReqId :: reference()", "To :: pid()", "Flags :: non_neg_integer()", "Result :: pid() | atom()"] },
  { op: 32, name: "SPAWN_REPLY_TT",         fields: ["ReqId :: reference()", "To :: pid()", "Flags :: non_neg_integer()", "Result :: pid() | atom()", "TraceToken :: term()"], base: "SPAWN_REPLY" },
  // OTP 24; replaced by ALTACT_SIG_SEND where both ends know it (OTP 28)
  { op: 33, name: "ALIAS_SEND",             fields: ["FromPid :: pid()", "Alias :: reference()"], payload: "Message" },
  { op: 34, name: "ALIAS_SEND_TT",          fields: ["FromPid :: pid()", "Alias :: reference()", "TraceToken :: term()"], payload: "Message", base: "ALIAS_SEND" },
  // OTP 23, mandatory from OTP 26
  { op: 35, name: "UNLINK_ID",              fields: ["Id :: 1..2^64-1", "FromPid :: pid()", "ToPid :: pid()"] },
  { op: 36, name: "UNLINK_ID_ACK",          fields: ["Id :: 1..2^64-1", "FromPid :: pid()", "ToPid :: pid()"] },
  // OTP 28. Elements may follow: a trace token, where Flags say so, and what later releases add.
  { op: 37, name: "ALTACT_SIG_SEND",        fields: ["Flags :: non_neg_integer()", "SenderPid :: pid()", "To :: pid() | atom() | reference()"], payload: "Message", open: true },
] as const;

/** An Erlang atom as a term: `true`, `false` and `nil` are JavaScript's own values, and are legal names of processes. */
export type AtomTerm = Atom | boolean | null;

/** What may stand in a field: as it is read, and as it may be written. */
interface FieldTypes {
  "pid()": [Pid, Pid];
  "reference()": [Ref, Ref];
  "atom()": [AtomTerm, AtomTerm];
  "pid() | atom()": [Pid | AtomTerm, Pid | AtomTerm];
  "pid() | atom() | reference()": [Pid | AtomTerm | Ref, Pid | AtomTerm | Ref];
  "non_neg_integer()": [number | bigint, number | bigint];
  "1..2^64-1": [number | bigint, number | bigint];
  "mfa()": [Tuple<[AtomTerm, AtomTerm, number]>, Tuple<[AtomTerm, AtomTerm, number]>];
  "term()": [Term, Encodable];
}

type FieldType = keyof FieldTypes;
type TableRow = (typeof CONTROL_MESSAGES)[number];
type FieldsOf<Fields extends readonly string[], Way extends 0 | 1> = {
  -readonly [I in keyof Fields]: Fields[I] extends `${string} :: ${infer Type extends FieldType}`
    ? FieldTypes[Type][Way]
    : never;
};

/** Name of a control message, as the guide spells it. */
export type ControlName = TableRow["name"];

/** Name of a control message that carries no trace token. */
export type BaseControlName = Exclude<TableRow, { base: string }>["name"];

type Row<Name extends ControlName> = Extract<TableRow, { name: Name }>;

/** A control message as {@linkcode readControl} gives it. `control[0]` tells which it is, and narrows the type. */
export type Control<Name extends BaseControlName = BaseControlName> = {
  [N in BaseControlName]: Tuple<[Row<N>["op"], ...FieldsOf<Row<N>["fields"], 0>]>;
}[Name];

/** A control message to be sent: the operation and its fields, as a plain array or a tuple. */
export type OutgoingControl<Name extends ControlName = ControlName> = {
  [N in ControlName]: readonly [Row<N>["op"], ...FieldsOf<Row<N>["fields"], 1>];
}[Name];

/** The operations' numbers, by name. */
export const CONTROL: { readonly [R in TableRow as R["name"]]: R["op"] } = Object.fromEntries(
  CONTROL_MESSAGES.map((row) => [row.name, row.op]),
) as never;

/** A term that is no control message. A value, not thrown: it is what a peer has sent. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  /** The operation that was claimed, `undefined` where there was no number in front. */
  readonly op: number | undefined;

  constructor(message: string, op: number | undefined) {
    super(
      `Cannot read control message${op === undefined ? "" : ` ${controlName(op)}`}: ${message}`,
    );
    this.op = op;
  }
}

const MAX_UNLINK_ID = 2n ** 64n - 1n;

/**
 * Bits of the flags of ALTACT_SIG_SEND. All others are for later releases: they are ignored, and may make a number of any size.
 */
export const ALTACT = { PRIO: 1, TOKEN: 2, ALIAS: 4, NAME: 8, EXIT: 16 } as const;

/** What stands in a control message where the protocol says `Unused`. */
export const UNUSED: Atom = atom("");

const IS: { readonly [T in FieldType]: (value: unknown) => boolean } = {
  "pid()": (value) => value instanceof Pid,
  "reference()": (value) => value instanceof Ref,
  "atom()": isAtom,
  "pid() | atom()": (value) => value instanceof Pid || isAtom(value),
  "pid() | atom() | reference()": (value) =>
    value instanceof Pid || value instanceof Ref || isAtom(value),
  "non_neg_integer()": isNonNegative,
  "1..2^64-1": (value) => isNonNegative(value) && value !== 0 && value <= MAX_UNLINK_ID,
  "mfa()": (value) =>
    isTuple(value) && value.length === 3 && isAtom(value[0]) && isAtom(value[1]) &&
    typeof value[2] === "number" && isNonNegative(value[2]),
  "term()": () => true,
};

/** A row as `readControl` wants it: one look-up, no text. */
interface CompiledRow {
  readonly op: number;
  readonly name: ControlName;
  readonly fields: readonly string[];
  /** Elements of the tuple, the operation among them. */
  readonly arity: number;
  readonly open: boolean;
  readonly payload: boolean;
  readonly checks: readonly ((value: unknown) => boolean)[];
  /** Where the trace token stands and the operation without it; 0 where there is none. */
  readonly token: number;
  readonly baseOp: number;
}

const ROWS: readonly (CompiledRow | undefined)[] = compile();

/** Name of an operation, or its number in text where there is no such. */
export function controlName(op: number): string {
  return ROWS[op]?.name ?? String(op);
}

/** Whether a message, a reason or a list of arguments follows the control message of that operation. */
export function hasPayload(op: number): boolean {
  return ROWS[op]?.payload === true;
}

/**
 * Tells a control message from anything else.
 *
 * - Arity and the type of each field are checked; whether pids are of the right node is the caller's to know.
 * - The tuple that was given is given back, unless it carries a trace token: then it is the base message without it.
 *   So nobody above meets an operation whose name ends in `_TT`.
 * - An ALTACT_SIG_SEND that carries a message is given back as the REG_SEND, SEND_SENDER or ALIAS_SEND which does the same:
 *   messages are urgent (`PRIO`) only where they go to an alias: such a one stays, as one that carries an exit signal does.
 *
 * @returns the message, or why it is none.
 */
export function readControl(term: Term): Control | ControlError {
  if (!isTuple(term)) return new ControlError("it is not a tuple", undefined);
  const op = term[0];
  const row = typeof op === "number" ? ROWS[op] : undefined;
  if (row === undefined) return unknownOperation(op);
  if (term.length !== row.arity && !(row.open && term.length > row.arity)) {
    return new ControlError(`it has ${term.length} elements, ${row.arity} are needed`, row.op);
  }
  const checks = row.checks;
  for (let i = 0; i < checks.length; i++) {
    if (!checks[i](term[i + 1])) {
      return new ControlError(`element ${i + 2} is not ${row.fields[i]}`, row.op);
    }
  }
  if (row.op === CONTROL.ALTACT_SIG_SEND) return plainSignal(term as Control<"ALTACT_SIG_SEND">);
  return (row.token === 0 ? term : withoutToken(term, row)) as Control;
}

function plainSignal(term: Control<"ALTACT_SIG_SEND">): Control | ControlError {
  const [op, wide, from, to] = term;
  const flags = Number(typeof wide === "bigint" ? wide & 0xffn : wide % 256);
  if ((flags & ALTACT.TOKEN) !== 0 && term.length < 5) {
    return new ControlError("its flags announce a trace token, which is not there", op);
  }
  const kind = flags & (ALTACT.ALIAS | ALTACT.NAME);
  const fits = kind === ALTACT.ALIAS
    ? to instanceof Ref
    : kind === ALTACT.NAME
    ? isAtom(to)
    : kind === 0 && to instanceof Pid;
  if (!fits) return new ControlError("element 4 is not what its flags announce", op);
  if ((flags & ALTACT.EXIT) !== 0 || ((flags & ALTACT.PRIO) !== 0 && to instanceof Ref)) {
    return term;
  }
  const plain: Tuple = new Tuple(to instanceof Ref || to instanceof Pid ? 3 : 4);
  plain[1] = from;
  if (to instanceof Ref) {
    plain[0] = CONTROL.ALIAS_SEND;
    plain[2] = to;
  } else if (to instanceof Pid) {
    plain[0] = CONTROL.SEND_SENDER;
    plain[2] = to;
  } else {
    plain[0] = CONTROL.REG_SEND;
    plain[2] = UNUSED;
    plain[3] = to;
  }
  return plain as unknown as Control;
}

/** Whether an ALTACT_SIG_SEND carries an urgent message, and no exit signal. */
export function isUrgentMessage([, wide]: Control<"ALTACT_SIG_SEND">): boolean {
  return (Number(typeof wide === "bigint" ? wide & 0xffn : wide % 256) & ALTACT.EXIT) === 0;
}

function unknownOperation(op: Term | undefined): ControlError {
  return typeof op === "number"
    ? new ControlError("there is no such operation", op)
    : new ControlError("its first element is not the number of an operation", undefined);
}

function withoutToken(term: readonly Term[], row: CompiledRow): Tuple {
  const base = new Tuple(row.arity - 1);
  base[0] = row.baseOp;
  // EXIT_TT and EXIT2_TT have their reason behind the token, all others end with it.
  for (let i = 1; i < base.length; i++) base[i] = term[i < row.token ? i : i + 1];
  return base;
}

function isAtom(value: unknown): boolean {
  return value instanceof Atom || typeof value === "boolean" || value === null;
}

function isNonNegative(value: unknown): value is number | bigint {
  return typeof value === "number"
    ? value >= 0 && Number.isInteger(value)
    : typeof value === "bigint" && value >= 0n;
}

function compile(): (CompiledRow | undefined)[] {
  const last = CONTROL_MESSAGES[CONTROL_MESSAGES.length - 1];
  const rows: (CompiledRow | undefined)[] = Array.from({ length: last.op + 1 });
  for (const row of CONTROL_MESSAGES) {
    const types = row.fields.map((field) => field.split(" :: ")[1] as FieldType);
    rows[row.op] = {
      op: row.op,
      name: row.name,
      fields: row.fields,
      arity: row.fields.length + 1,
      open: "open" in row,
      payload: "payload" in row,
      checks: types.map((type) => IS[type]),
      token: row.fields.findIndex((field) => field.startsWith("TraceToken")) + 1,
      baseOp: "base" in row ? CONTROL[row.base] : row.op,
    };
  }
  return rows;
}
