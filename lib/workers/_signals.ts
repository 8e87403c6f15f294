// What the threads of a node say to each other: a control message, a tuple with one of these numbers in front, and behind it a payload where
// there is one. Both are terms without version byte, so many as fit one after the other into the bytes that are posted.

/** What a part says of its processes, and what it is told of all others. */
export const OP = {
  /** `{From, To, Priority}`, the message. `To` is a pid, an alias, or `{Name, Node}`. */
  SEND: 1,
  /** `{From, To, ByLink}`, the reason: an exit signal. */
  EXIT: 2,
  /** `{Ref}`, the reason: what a monitor watches has ended. */
  DOWN: 3,
  /** `{Ref}`, the reason: a call ends with an exit of its caller. */
  FAIL: 4,
  /** `{Ours, Theirs}`: to the node: a process of the part links itself; to the part: somebody has linked himself to it. */
  LINK: 5,
  UNLINK: 6,
  /** `{From, To, Ref}`, where `To` is a pid or `{Name, Node}`. */
  MONITOR: 7,
  /** `{Ref}` */
  DEMONITOR: 8,
  /** `{Pid, Module, Export, Parent, GroupLeader, Name}`, `{Args, Options}`. */
  START: 9,
  /** `{Pid, Class, Kind}` */
  STARTED: 10,
  /** `{Pid}`, the error. */
  FAILED: 11,
  /** `{Pid, Parent, GroupLeader, Class}`: a process that the part has started by itself. */
  SPAWNED: 12,
  /** `{Pid}`, the reason: to the node: it has ended; to the part: it is to end now. */
  ENDED: 13,
  /** `{Pid, How}`, the reason: it is to end in order. */
  STOP: 14,
  /** `{Leader, Pid}` */
  LEADER: 15,
  /** `{Pid, Name}`; `nil` where it has lost its name. */
  NAMED: 16,
  /** `{}`, the event: something is logged. */
  LOG: 17,
  /** `{Id}`, the request. */
  ASK: 18,
  /** `{Id, Ok}`, the answer or the error. */
  ANSWER: 19,
  /** `{Question}`, the request: the part stands still until the answer is in the shared memory. */
  ASK_NOW: 20,
  /** `{Node, Busy}`: whether too much waits to be sent to a node. */
  BUSY: 21,
  /** `{Number}`: to the part: something was killed there; to the node: the part has come to it, and all before it. */
  CHECK: 22,
} as const;

/** The check that a part answers unasked, when it begins. */
export const FIRST_CHECK = 1;

const WITHOUT_PAYLOAD: ReadonlySet<number> = new Set([
  ...[OP.LINK, OP.UNLINK, OP.MONITOR, OP.DEMONITOR, OP.STARTED, OP.SPAWNED, OP.LEADER, OP.NAMED],
  ...[OP.BUSY, OP.CHECK],
]);

const OPS: ReadonlySet<unknown> = new Set(Object.values(OP));

export function isOp(value: unknown): boolean {
  return OPS.has(value);
}

const REASONS: ReadonlySet<number> = new Set([OP.EXIT, OP.DOWN, OP.FAIL, OP.ENDED, OP.STOP]);

/** Whether its payload is a reason. */
export function hasReason(op: number): boolean {
  return REASONS.has(op);
}

export function hasPayload(op: number): boolean {
  return !WITHOUT_PAYLOAD.has(op);
}

/** How a process is asked to end. */
export const STOP = { NOW: 0, IN_TURN: 1, SHUTDOWN: 2 } as const;

/** How urgent a message is. */
export const PRIORITIES = ["normal", "high", "max"] as const;
