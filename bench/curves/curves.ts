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
  /** What the cost comes from, in a sentence or two. */
  readonly because: string;
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
    because:
      "Each call goes to another server, which is found in a table by its number; what grows is the time to fetch servers from memory, when they no longer fit into the processor's caches.",
  },
  {
    name: "process-memory",
    title: "Memory of a server",
    along: "servers",
    sizes: decades(3, 6),
    of: "memory of each",
    unit: "B",
    grows: "not",
    because:
      "Each server has its own objects and an entry in the table of processes, and nothing that depends on how many there are. A server here has one handler in a table of its class and no state, and has never answered; one in compare.md has three handlers in a table of its own and a field, and so takes more.",
  },
  {
    name: "monitors",
    title: "Monitoring a process that many monitors watch",
    along: "monitors of the process",
    sizes: [1, ...decades(2, 5)],
    of: "processor time of a monitor and its end",
    unit: "us",
    grows: "not",
    because:
      "A monitor is an entry in a set of the process that is watched, so adding and removing one does not depend on the others.",
  },
  {
    name: "monitors-fire",
    title: "The end of a process that many monitors watch",
    along: "monitors of the process",
    sizes: [1, ...decades(2, 5)],
    of: "processor time for each monitor",
    unit: "us",
    grows: "not",
    because:
      "Each monitor gets one message when the process ends; the cost of a process of its own is shared by more of them to the right.",
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
    because:
      "A call finds its connection by the node's name; what grows is what the runtime and the system do for sockets that are ready, and memory that is no longer in the caches.",
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
    because:
      "120 calls are under way at any time: with one connection they share a write and a read, with more of them each write carries fewer, down to one for each call.",
  },
  {
    name: "connection-memory",
    title: "Memory of a connection",
    along: "connections",
    sizes: [10, 100, 300, 1_000],
    of: "memory of each",
    unit: "B",
    grows: "not",
    because:
      "A connection has its socket, its buffers and its atom cache; buffers are made when they are needed.",
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
    because:
      "Small messages cost what a call costs; from some tens of kilobytes on it is copying and the system's sockets that count, in proportion to the size.",
  },
  {
    name: "groups",
    title: "Joining and leaving a process group, among many groups",
    along: "groups",
    sizes: [1, ...decades(2, 5)],
    of: "processor time of both",
    unit: "us",
    grows: "not",
    because:
      "A group is an entry in a map by its name, a member one by its pid; what grows is memory that is no longer in the caches.",
  },
  {
    name: "group-members",
    title: "Joining and leaving a process group of many members",
    along: "members of the group",
    sizes: [1, ...decades(2, 5)],
    of: "processor time of both",
    unit: "us",
    grows: "not",
    because:
      "Joining and leaving do not look through the other members; what grows is memory that is no longer in the caches.",
  },
  {
    name: "groups-meet",
    title: "A node learns of the process groups of another",
    along: "groups",
    sizes: [1, ...decades(2, 5)],
    of: "processor time for each group",
    unit: "us",
    grows: "not",
    because:
      "When two nodes meet, each tells all its groups in one message; what each group adds to it costs the same.",
  },
  {
    name: "mailbox-selective",
    title: "A selective receive, past a long mailbox",
    along: "messages in the mailbox",
    sizes: [1, ...decades(2, 5)],
    of: "processor time of a receive",
    unit: "us",
    grows: "linearly",
    because:
      "A selective receive has to look at each message that waits before the one that it wants: the cost grows with them, as in Erlang.",
  },
  {
    name: "mailbox-call",
    title: "A call of a process that has a long mailbox",
    along: "messages in the mailbox",
    sizes: [1, ...decades(2, 5)],
    of: "processor time of a call",
    unit: "us",
    grows: "not",
    because:
      "A reply to a call does not go through the mailbox, so that what waits there does not matter.",
  },
  {
    name: "mailbox-drain",
    title: "Receiving a long mailbox from its beginning",
    along: "messages in the mailbox",
    sizes: [1, ...decades(2, 6)],
    of: "processor time for each message",
    unit: "us",
    grows: "not",
    because:
      "A message is taken from the beginning of a queue, which costs the same however many follow.",
  },
];
