import { type Cell, codecMeans, type Mean, ratioTo, type Row } from "./rows.ts";
import { type Ratio, summary } from "./statistics.ts";
import { LEAST_SHARE, type Verdict, verdicts } from "./verdicts.ts";
import type { Peer } from "./workloads.ts";

/** The tables in Markdown: the targets, one for each group, and what is missing. */
export function tables(rows: readonly Row[]): string {
  return paragraphs([verdictTable(verdicts(rows)), details(rows)]);
}

/** All figures, and what is missing. */
export function details(rows: readonly Row[]): string {
  const groups = [...new Set(rows.map((row) => row.group))];
  const parts = groups.map((group) => groupTable(rows.filter((row) => row.group === group)));
  return paragraphs([...parts, missing(rows)]);
}

function paragraphs(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}

function verdictTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "";
  const labels = [...new Set(verdicts.flatMap(({ ratios }) => Object.keys(ratios)))];
  const head = ["workload", "target", ...labels, "reached", "best / target", "worst / best"];
  const align = head.map((name, column) => column < 2 || name === "reached" ? "---" : "---:");
  const lines = verdicts.map(({ title, target, ratios, outcome, best, share }) => [
    title,
    target,
    ...labels.map((label) => label in ratios ? ratios[label].toPrecision(3) : ""),
    outcome,
    best === null ? "" : ratioWithSpread(best),
    share === null ? "" : `${share.toPrecision(2)}${share < LEAST_SHARE ? ", under a half" : ""}`,
  ]);
  return markdown([head, align, ...lines]);
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
  return markdown([head, align, ...lines, ...meanLines(codecMeans(rows), peers)]);
}

export function markdown(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function ratioWithSpread({ median, least, most }: Ratio): string {
  const [middle, from, to] = [median, least, most].map((one) => one.toPrecision(3));
  return from === to ? middle : `${middle} (${from} to ${to})`;
}

function figures({ samples }: Cell): string[] {
  const { median, lower, upper } = summary(samples);
  return [number(median), `${number(lower)} to ${number(upper)}`];
}

function ratioText(row: Row, cell: Cell, peer: Peer): string {
  return ratioTo(row, cell, peer)?.median.toPrecision(3) ?? "";
}

/** A line for each mean of each runtime. What a peer could do only a part of says so. */
function meanLines(means: readonly Mean[], peers: readonly Peer[]): string[][] {
  return [...Map.groupBy(means, ({ title }) => title)].flatMap(([title, ofTitle]) =>
    [...Map.groupBy(ofTitle, ({ label }) => label)].map(([label, ofLabel], i) => [
      i === 0 ? title : "",
      label,
      "",
      "",
      ...peers.map((peer) => {
        const mean = ofLabel.find((one) => one.peer === peer);
        if (mean === undefined) return "";
        const part = mean.of < mean.rows ? ` (${mean.of} of ${mean.rows})` : "";
        return `${mean.ratio.median.toPrecision(3)}${part}`;
      }),
    ])
  );
}

/** Each reason once, with the rows it is for. */
function missing(rows: readonly Row[]): string {
  const reasons = new Map<string, string[]>();
  for (const row of rows) {
    for (const { label, missing, samples } of row.cells) {
      if (missing === null) continue;
      const what = samples.length === 0 ? "no figure of" : "a round without a figure of";
      const key = `${what} ${label}: ${missing}`;
      reasons.set(key, [...reasons.get(key) ?? [], row.name]);
    }
  }
  return Array.from(reasons, ([reason, names]) => {
    const where = names.length > 3 ? `${names.length} rows` : names.join(", ");
    return `- ${reason} (${where})`;
  }).join("\n");
}

export function number(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
