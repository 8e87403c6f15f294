/**
 * What is measured as work grows: one entry for each curve. A point is measured by `point.ts NAME SIZE`, in a process of its own;
 * what it does is in work/, under the same name.
 */

export interface Curve {
  /** What `--only` takes. */
  readonly name: string;
  readonly title: string;
  /** What grows. */
  readonly along: string;
  readonly sizes: readonly number[];
  /** What is measured. */
  readonly of: string;
  readonly unit: "us" | "B";
  /** Time that passes, where another program takes part. Default: the time of the processors that this one takes. */
  readonly wall?: true;
  /** Whether the sizes are bytes. */
  readonly bytes?: true;
  /**
   * How the cost should grow at the end of the curve: not at all, or as the size does. Whatever the garbage collector and caches
   * add to that is seen in the curve.
   */
  readonly grows: "not" | "linearly";
}

function decades(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
}

export const CURVES: readonly Curve[] = [
  {
    name: "processes",
    title: "A call to one of many servers",
    along: "servers",
    sizes: decades(2, 6),
    of: "processor time of a call",
    unit: "us",
    grows: "not",
  },
  {
    name: "process-memory",
    title: "Memory of a server",
    along: "servers",
    sizes: decades(3, 6),
    of: "memory of each",
    unit: "B",
    grows: "not",
  },
  {
    name: "monitors",
    title: "Monitoring a process that many monitors watch",
    along: "monitors of the process",
    sizes: decades(0, 5),
    of: "processor time of a monitor and its end",
    unit: "us",
    grows: "not",
  },
  {
    name: "monitors-fire",
    title: "The end of a process that many monitors watch",
    along: "monitors of the process",
    sizes: decades(0, 5),
    of: "processor time for each monitor",
    unit: "us",
    grows: "not",
  },
  {
    name: "connections",
    title: "A call to one of many nodes, one at a time",
    along: "connections",
    sizes: [1, 10, 100, 300, 1_000],
    of: "time of a call",
    unit: "us",
    wall: true,
    grows: "not",
  },
  {
    name: "connections-load",
    title: "Calls of 120 callers to many nodes",
    along: "connections",
    sizes: [1, 10, 100, 300, 1_000],
    of: "time for each call",
    unit: "us",
    wall: true,
    grows: "not",
  },
  {
    name: "connection-memory",
    title: "Memory of a connection",
    along: "connections",
    sizes: [10, 100, 300, 1_000],
    of: "memory of each",
    unit: "B",
    grows: "not",
  },
  {
    name: "messages",
    title: "A call to another program, with a binary there and back",
    along: "size of the binary",
    sizes: decades(1, 8),
    of: "time of a call",
    unit: "us",
    wall: true,
    bytes: true,
    grows: "linearly",
  },
  {
    name: "groups",
    title: "Joining and leaving a process group, among many groups",
    along: "groups",
    sizes: decades(0, 5),
    of: "processor time of both",
    unit: "us",
    grows: "not",
  },
  {
    name: "group-members",
    title: "Joining and leaving a process group of many members",
    along: "members of the group",
    sizes: decades(0, 5),
    of: "processor time of both",
    unit: "us",
    grows: "not",
  },
  {
    name: "groups-meet",
    title: "A node learns of the process groups of another",
    along: "groups",
    sizes: decades(0, 5),
    of: "processor time for each group",
    unit: "us",
    grows: "not",
  },
  {
    name: "mailbox-selective",
    title: "A selective receive, past a long mailbox",
    along: "messages in the mailbox",
    sizes: decades(0, 5),
    of: "processor time of a receive",
    unit: "us",
    grows: "linearly",
  },
  {
    name: "mailbox-call",
    title: "A call of a process that has a long mailbox",
    along: "messages in the mailbox",
    sizes: decades(0, 5),
    of: "processor time of a call",
    unit: "us",
    grows: "not",
  },
  {
    name: "mailbox-drain",
    title: "Receiving a long mailbox from its beginning",
    along: "messages in the mailbox",
    sizes: decades(0, 6),
    of: "processor time for each message",
    unit: "us",
    grows: "not",
  },
];
