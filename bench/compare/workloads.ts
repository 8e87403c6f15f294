/**
 * What the comparison measures: one entry for each row, which names for each system the program that measures it there. What stands for a
 * system are the arguments of its program:
 *
 * | system                                  | program                                                                  |
 * | --------------------------------------- | ------------------------------------------------------------------------ |
 * | `ours`                                  | bench/workloads/, on Deno, Bun and Node: the file and what it is to do   |
 * | `otp`                                   | bench/peers/otp: the suite and what it is to do                          |
 * | `ergo2`, `ergo3`                        | bench/peers/ergo2, bench/peers/ergo3: what it is to do                   |
 * | `tcp`, and the codecs of JavaScript     | bench/workloads/, on the runtimes, each beside ours on that runtime      |
 *
 * Where `far` is given, these are the programs of the other side, in an operating system process of their own.
 *
 * The targets are those of the project: what the best of our runtimes is to reach, by the medians of one run.
 */

/** Those that are measured once. */
export const PEERS = ["otp", "ergo2", "ergo3"] as const;
/** What of ours stands beside the whole: one worker beside several, and the parts that bench/limits measures. */
export const OF_OURS = ["1 worker", "ideal", "frames", "connection", "bare", "own"] as const;
/** Those that are measured on each runtime. */
export const RUNTIME_PEERS = [
  "tcp",
  "json",
  "msgpackr",
  "erlang_js",
  "etf.js",
  ...OF_OURS,
] as const;
export type Peer = typeof PEERS[number] | typeof RUNTIME_PEERS[number];
export type System = "ours" | Peer;
export type Programs = { readonly [S in System]?: readonly string[] };

export type Unit = "us" | "/s" | "B";
export type Group =
  | "local"
  | "memory"
  | "remote"
  | "erlang"
  | "stages"
  | "workers"
  | "codec"
  | "documents";

/** What is to be reached: so many times as good as a peer, or no more than so much. */
export type Target =
  | { readonly peer: Peer; readonly times: number }
  | { readonly most: number };

export interface Workload {
  /** What `--only` takes. */
  readonly name: string;
  readonly title: string;
  readonly group: Group;
  /** Of `us` and `B` less is better, of `/s` more. */
  readonly unit: Unit;
  readonly programs: Programs;
  readonly far?: Programs;
  /** Both ends on one core, or each on its own. Default: where the operating system puts them. */
  readonly cores?: "one" | "two";
  /** The file of the corpus. */
  readonly file?: string;
  /** How many processes it is about, where that is not `--count`. */
  readonly count?: number;
  /** What the best of our runtimes is to reach. */
  readonly targets?: readonly Target[];
}

/** At least so many times as good as each of these. */
function times(peers: { readonly [P in Peer]?: number }): readonly Target[] {
  return Object.entries(peers).map(([peer, times]) => ({ peer: peer as Peer, times }));
}

/** What the geometric means of the codec's rows are to reach, each way and both together. */
export const CODEC_TARGETS: readonly Target[] = times({ otp: 1 });

/** The other side of every system. */
const FAR: Programs = {
  ours: ["remote.ts", "far"],
  otp: ["far"],
  ergo2: ["far"],
  ergo3: ["far"],
  tcp: ["tcp.ts", "far"],
};
/** `otp` in front of a program of ours: Erlang is that side of it. */
const ERLANG_FAR: Programs = { ours: ["otp", "far"], otp: ["far"] };

function local(
  name: string,
  title: string,
  unit: Unit,
  what: string,
  peers: readonly Peer[],
  targets: readonly Target[],
): Workload {
  const programs: Programs = {
    ours: ["local.ts", what],
    ...Object.fromEntries(peers.map((peer) => [peer, peer === "otp" ? ["local", what] : [what]])),
  };
  return { name, title, group: "local", unit, programs, targets };
}

/** Memory of many processes of a kind, in bytes each. */
function memory(
  name: string,
  title: string,
  what: string,
  most: number,
  more: Partial<Workload> = {},
): Workload {
  return {
    name: `memory-${name}`,
    title,
    group: "memory",
    unit: "B",
    programs: { ours: ["local.ts", "memory", what], otp: ["local", `memory ${what}`] },
    targets: [{ most }],
    ...more,
  };
}

/** Two processes of the operating system on one core, on one core each, wherever it puts them; or both nodes in one process. */
type Shape = "one core" | "two cores" | "two processes" | "one process";
const SHAPES: readonly Shape[] = ["two processes", "one core", "two cores", "one process"];

/** A row of two nodes in each of the shapes that were asked for. */
function remote(
  name: string,
  title: string,
  unit: Unit,
  what: string,
  targets: { readonly [S in Shape]?: readonly Target[] },
  floor = false,
): Workload[] {
  return SHAPES.map((shape): Workload => {
    const isOne = shape === "one process";
    return {
      name: `${name}-${shape.replace(" ", "-")}`,
      title: `${title}, ${shape}`,
      group: "remote",
      unit,
      programs: {
        ours: ["remote.ts", what],
        // A node of Erlang is a process of the operating system.
        ...(!isOne && { otp: ["remote", what] }),
        ergo2: [`remote ${what}`],
        ergo3: [`remote ${what}`],
        ...(floor && { tcp: ["tcp.ts", "ping"] }),
      },
      ...(!isOne && { far: FAR }),
      ...(shape === "one core" && { cores: "one" }),
      ...(shape === "two cores" && { cores: "two" }),
      targets: targets[shape] ?? [],
    };
  });
}

/** The same against a real Erlang node, beside what Erlang does with itself: we call it, and it calls us. */
function erlang(name: string, title: string, what: string): Workload[] {
  const row = { group: "erlang", unit: "/s", targets: times({ otp: 1.5 }) } as const;
  const otp = ["remote", what];
  return [
    {
      ...row,
      name: `${name}-to-erlang`,
      title: `${title}, to Erlang`,
      programs: { ours: ["remote.ts", what], otp },
      far: ERLANG_FAR,
    },
    {
      ...row,
      name: `${name}-from-erlang`,
      title: `${title}, from Erlang`,
      programs: { ours: ["otp", ...otp], otp },
      far: FAR,
    },
  ];
}

const ETF_PACKAGES = ["erlang_js", "etf.js"] as const;

function codec(name: string, term: string): Workload[] {
  return (["encode", "decode"] as const).map((way) => ({
    name: `${way}-${name}`,
    title: `${way} ${term}`,
    group: "codec",
    unit: "/s",
    programs: {
      ours: ["codec.ts", way, term],
      otp: ["codec", way],
      ergo2: [way],
      ...Object.fromEntries(ETF_PACKAGES.map((peer) => [peer, ["packages.ts", peer, way]])),
    },
    file: `${term}.etf`,
  }));
}

/** Strings of JavaScript, out and in: what ours does with a document against what is made for documents. */
function document(): Workload[] {
  return (["encode", "decode"] as const).map((way) => ({
    name: `${way}-document-js`,
    title: `${way} 1 MB document of strings`,
    group: "documents",
    unit: "/s",
    targets: times({ json: 0.5, msgpackr: 1 }),
    programs: {
      ours: ["codec.ts", way, "document of strings"],
      json: ["packages.ts", "json", way],
      msgpackr: ["packages.ts", "msgpackr", way],
    },
    file: "document.json",
  }));
}

/** Ahead of both where both ends are placed alike, and near to what the sockets give. */
const PLACED = times({ otp: 1, ergo2: 1, tcp: 0.8 });
const ONE_WAY = { "two processes": times({ otp: 5, ergo3: 1.5 }) };

export const WORKLOADS: readonly Workload[] = [
  local(
    "call",
    "local call, one at a time",
    "us",
    "call",
    PEERS,
    times({ otp: 3, ergo2: 15, ergo3: 5 }),
  ),
  local(
    "calls",
    "local calls, 120 pairs",
    "/s",
    "calls of pairs",
    PEERS,
    times({ otp: 2, ergo3: 1.2 }),
  ),
  local("send", "local send, 1 to 1", "/s", "send", PEERS, times({ otp: 1.3 })),
  local("spawn", "spawn and end", "/s", "spawn", ["otp"], times({ otp: 5 })),
  local("start", "GenServer start", "/s", "start", PEERS, times({ otp: 3 })),
  memory("process", "memory of a process that waits", "process", 600),
  memory("server", "memory of a server", "server", 1024, {
    programs: {
      ours: ["local.ts", "memory", "server"],
      otp: ["local", "memory server"],
      ergo2: ["memory server"],
      ergo3: ["memory server"],
    },
  }),
  memory("million", "memory of a server, of a million that have all answered", "answered", 1024, {
    count: 1_000_000,
  }),
  ...remote("remote-call", "remote call", "us", "call", {
    "one core": PLACED,
    "two cores": PLACED,
  }, true),
  {
    name: "remote-call-busy-poll",
    title: "remote call, nodes with { busyPoll: 200 }, two cores",
    group: "remote",
    unit: "us",
    cores: "two",
    programs: {
      ours: ["remote.ts", "call", "busy-poll"],
      otp: ["remote", "call"],
      ergo2: ["remote call"],
      ergo3: ["remote call"],
      tcp: ["tcp.ts", "ping"],
    },
    far: { ...FAR, ours: ["remote.ts", "far", "busy-poll"] },
    targets: PLACED,
  },
  ...remote("remote-1mb", "remote call, 1 MB there and back", "us", "call of 1 MB", {
    "two processes": times({ otp: 1 }),
  }),
  ...remote("remote-calls", "remote calls, 120 callers", "/s", "calls of many", {
    "two processes": times({ otp: 6, ergo3: 3 }),
  }),
  ...remote("remote-send", "remote send, 1 to 1", "/s", "send", ONE_WAY),
  ...remote("remote-sends", "remote send, 100 to 1", "/s", "send of many", ONE_WAY),
  ...erlang("calls", "calls, 120 callers", "calls of many"),
  ...erlang("send", "send, 1 to 1", "send"),
  {
    name: "stages",
    title: "events through producer, producer-consumer (in another process) and consumer",
    group: "stages",
    unit: "/s",
    // No peers: GenStage comes neither with Erlang nor with Elixir, and Ergo 3 has no stages.
    programs: { ours: ["stages.ts", "flow"] },
    far: { ours: ["stages.ts", "far"] },
  },
  {
    name: "workers",
    title: "CPU-bound calls of a pool, on 2 worker threads",
    group: "workers",
    unit: "/s",
    programs: { ours: ["workers.ts", "2"], "1 worker": ["workers.ts", "1"] },
    // Twice as many would be all that two cores can do.
    targets: times({ "1 worker": 1.6 }),
  },
  ...codec("call", "gen_call"),
  ...codec("ints", "1000 ints"),
  ...codec("atoms", "1000 atoms"),
  ...codec("pids", "100 pids"),
  ...codec("bignums", "100 bignums"),
  ...codec("document", "1 MB document"),
  ...document(),
];
