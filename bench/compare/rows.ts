import { meanRatio, type Ratio, ratioOf, summary } from "./statistics.ts";
import { type Group, type Peer, RUNTIME_PEERS, type Target, type Unit } from "./workloads.ts";

/** One system at one workload: its samples, one a round, or why there are none. */
export interface Cell {
  /** `deno`, `otp`, `json on bun`. */
  readonly label: string;
  /** Null where it is ours. */
  readonly peer: Peer | null;
  /** The runtime, where it is measured on each of them. */
  readonly runtime: string | null;
  readonly samples: number[];
  /** Microseconds of the processors, one a round, where the program tells. */
  readonly processor: number[];
  /** Why a figure is missing, or what failed in one of the rounds. */
  missing: string | null;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly group: Group;
  readonly unit: Unit;
  readonly targets: readonly Target[];
  readonly cells: readonly Cell[];
}

/** How many times better than a peer, which is measured on the same runtime where it runs on one; null without figures. */
export function ratioTo(row: Row, ours: Cell, peer: Peer): Ratio | null {
  const isOnRuntime = (RUNTIME_PEERS as readonly string[]).includes(peer);
  const other = row.cells.find((cell) =>
    cell.peer === peer && (!isOnRuntime || cell.runtime === ours.runtime)
  );
  if (other === undefined || other.samples.length === 0 || ours.samples.length === 0) return null;
  return ratioOf(row.unit, ours.samples, other.samples);
}

/** The part of a bound that one of ours needs, as a ratio: 1 is the bound itself, more is better. */
export function ratioToBound({ samples }: Cell, most: number): Ratio | null {
  if (samples.length === 0) return null;
  const { median, lower, upper } = summary(samples);
  return { median: most / median, least: most / upper, most: most / lower };
}

/** The geometric mean of several rows: for each of our runtimes and each peer, over what both can do. */
export interface Mean {
  readonly title: string;
  readonly label: string;
  readonly peer: Peer;
  readonly ratio: Ratio;
  /** Over how many rows, and how many there are. */
  readonly of: number;
  readonly rows: number;
}

/** The means of the codec's rows: encoding, decoding, and, where there are both, both together. */
export function codecMeans(rows: readonly Row[]): Mean[] {
  const codec = rows.filter((row) => row.group === "codec");
  const [encode, decode] = ["encode", "decode"].map((way) =>
    codec.filter(({ name }) => name.startsWith(`${way}-`))
  );
  const both = encode.length > 0 && decode.length > 0 ? codec : [];
  return [
    ...meansOf("encode, geometric mean", encode),
    ...meansOf("decode, geometric mean", decode),
    ...meansOf("codec, geometric mean of both ways", both),
  ];
}

function meansOf(title: string, rows: readonly Row[]): Mean[] {
  const cells = rows.flatMap((row) => row.cells);
  const labels = [...new Set(cells.flatMap((cell) => cell.peer === null ? [cell.label] : []))];
  const peers = [...new Set(cells.flatMap(({ peer }) => peer ?? []))];
  return labels.flatMap((label) =>
    peers.flatMap((peer) => {
      const ratios = rows.flatMap((row) => {
        const ours = row.cells.find((cell) => cell.label === label);
        return ours === undefined ? [] : ratioTo(row, ours, peer) ?? [];
      });
      if (ratios.length === 0) return [];
      return [{
        title,
        label,
        peer,
        ratio: meanRatio(ratios),
        of: ratios.length,
        rows: rows.length,
      }];
    })
  );
}
