import { geometricMean, ratio, summary } from "./statistics.ts";
import { type Group, type Peer, RUNTIME_PEERS, type Unit } from "./workloads.ts";

/** One system at one workload: its samples, one a round, or why there are none. */
export interface Cell {
  /** `deno`, `otp`, `json on bun`. */
  readonly label: string;
  /** Null where it is ours. */
  readonly peer: Peer | null;
  /** The runtime, where it is measured on each of them. */
  readonly runtime: string | null;
  readonly samples: number[];
  missing: string | null;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly group: Group;
  readonly unit: Unit;
  readonly cells: readonly Cell[];
}

/** The tables in Markdown, one for each group, and what they say about what is missing. */
export function tables(rows: readonly Row[]): string {
  const groups = [...new Set(rows.map((row) => row.group))];
  const parts = groups.map((group) => groupTable(rows.filter((row) => row.group === group)));
  return [...parts, means(rows), missing(rows)].filter((part) => part !== "").join("\n\n");
}

function groupTable(rows: readonly Row[]): string {
  const peers = [...new Set(rows.flatMap((row) => row.cells.flatMap(({ peer }) => peer ?? [])))];
  const head = ["workload", "system", "median", "quartiles", ...peers.map((peer) => `x ${peer}`)];
  const align = head.map((_, column) => column < 2 ? "---" : "---:");
  const lines = rows.flatMap((row) => {
    const measured = row.cells.filter((cell) => cell.samples.length > 0);
    return measured.map((cell, i) => [
      i === 0 ? `${row.title} (${row.unit})` : "",
      cell.label,
      ...figures(cell),
      ...peers.map((peer) => cell.peer === null ? ratioText(row, cell, peer) : ""),
    ]);
  });
  return [head, align, ...lines].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function figures({ samples }: Cell): string[] {
  const { median, lower, upper } = summary(samples);
  return [number(median), `${number(lower)} to ${number(upper)}`];
}

function ratioText(row: Row, cell: Cell, peer: Peer): string {
  const value = ratioTo(row, cell, peer);
  return value === null ? "" : value.toPrecision(3);
}

/** How many times better than a peer, which is measured on the same runtime where it runs on one; null without figures. */
export function ratioTo(row: Row, ours: Cell, peer: Peer): number | null {
  const isOnRuntime = (RUNTIME_PEERS as readonly string[]).includes(peer);
  const other = row.cells.find((cell) =>
    cell.peer === peer && (!isOnRuntime || cell.runtime === ours.runtime)
  );
  if (other === undefined || other.samples.length === 0 || ours.samples.length === 0) return null;
  return ratio(row.unit, summary(ours.samples).median, summary(other.samples).median);
}

/** The geometric mean of the codec's ratios, for each runtime and peer. Terms that a peer cannot do are left out, and counted. */
function means(rows: readonly Row[]): string {
  const codec = rows.filter((row) => row.group === "codec");
  const cells = codec.flatMap((row) => row.cells);
  const peers = [...new Set(cells.flatMap(({ peer }) => peer ?? []))];
  const ours = [...new Set(cells.filter((cell) => cell.peer === null).map((cell) => cell.label))];
  const lines = peers.flatMap((peer) =>
    ours.flatMap((label) => {
      const ratios = codec.flatMap((row) => {
        const cell = row.cells.find((cell) => cell.label === label);
        return cell === undefined ? [] : ratioTo(row, cell, peer) ?? [];
      });
      if (ratios.length === 0) return [];
      const mean = geometricMean(ratios).toPrecision(3);
      return [`- codec, ${label} x ${peer}: ${mean}, the geometric mean of ${ratios.length}`];
    })
  );
  return lines.join("\n");
}

/** Each reason once, with the rows it is for. */
function missing(rows: readonly Row[]): string {
  const reasons = new Map<string, string[]>();
  for (const row of rows) {
    for (const { label, missing } of row.cells) {
      if (missing === null) continue;
      const key = `${label}: ${missing}`;
      reasons.set(key, [...reasons.get(key) ?? [], row.name]);
    }
  }
  return Array.from(reasons, ([reason, names]) => {
    const where = names.length > 3 ? `${names.length} rows` : names.join(", ");
    return `- no figure of ${reason} (${where})`;
  }).join("\n");
}

function number(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
