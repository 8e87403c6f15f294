import { summary } from "../compare/statistics.ts";
import type { Curve } from "./curves.ts";
import type { Point } from "./growth.ts";
import { labelOf, LogScale } from "./scale.ts";

/** One line of a picture. */
export interface Series {
  readonly label: string;
  readonly points: readonly Point[];
}

const [WIDTH, HEIGHT] = [760, 440];
/** Where the axes are. */
const [LEFT, RIGHT, TOP, BOTTOM] = [84, WIDTH - 92, 88, HEIGHT - 64];

/** Colours that can be told apart by everybody, on a light and on a dark ground; and a shape each. */
const LOOKS = [
  { light: "#1f6fd6", dark: "#6cacff", shape: "circle" },
  { light: "#c8500a", dark: "#ff9d57", shape: "square" },
  { light: "#0b7f59", dark: "#45cf9c", shape: "triangle" },
  { light: "#8a3fb0", dark: "#d19bf0", shape: "diamond" },
] as const;

const STYLE = `
    svg { color-scheme: light dark; font-family: system-ui, -apple-system, "Segoe UI", sans-serif; }
    .ground { fill: #ffffff; } .text { fill: #1c2024; } .quiet { fill: #5b636b; }
    .decade { stroke: #d6dade; } .between { stroke: #eef0f2; } .axis { stroke: #8a9198; }
${
  LOOKS.map(({ light }, i) => `    .s${i} { stroke: ${light}; } .f${i} { fill: ${light}; }`).join(
    "\n",
  )
}
    @media (prefers-color-scheme: dark) {
      .ground { fill: #14171a; } .text { fill: #eceff1; } .quiet { fill: #a3abb2; }
      .decade { stroke: #363b40; } .between { stroke: #22262a; } .axis { stroke: #6b7279; }
${
  LOOKS.map(({ dark }, i) => `      .s${i} { stroke: ${dark}; } .f${i} { fill: ${dark}; }`).join(
    "\n",
  )
}
    }`;

/** The picture of a curve: both axes logarithmic, the medians joined, a stroke from the least to the greatest sample of each. */
export function draw(curve: Curve, series: readonly Series[], about: string): string {
  const drawn = series.map(({ label, points }) => ({
    label,
    points: points.filter(({ samples }) => samples.length > 0 && samples.every((one) => one > 0)),
  }));
  const all = drawn.flatMap(({ points }) => points);
  if (all.length === 0) throw new Error(`Cannot draw ${curve.name}: it has no points`);
  const x = new LogScale(all.map(({ size }) => size), LEFT, RIGHT);
  const y = new LogScale(all.flatMap(({ samples }) => samples), BOTTOM, TOP, 2);
  const ends = labelPlaces(drawn.map(({ points }) => {
    const last = points.at(-1);
    return last === undefined ? null : y.at(summary(last.samples).median);
  }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `  <title>${escaped(curve.title)}: ${escaped(curve.of)} by ${escaped(curve.along)}</title>`,
    `  <style>${STYLE}\n  </style>`,
    `  <rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(LEFT - 60, 32, "text", curve.title, `font-size="17" font-weight="600"`),
    ...legend(drawn),
    ...grid(curve, x, y),
    ...drawn.flatMap(({ label, points }, i) => line(label, points, i, x, y, ends[i])),
    text(LEFT - 60, HEIGHT - 10, "quiet", about, `font-size="11"`),
    `</svg>`,
  ].join("\n");
}

function grid(curve: Curve, x: LogScale, y: LogScale): string[] {
  const vertical = (kind: string) => (value: number): string =>
    stroke(kind, x.at(value), TOP, x.at(value), BOTTOM);
  const level = (kind: string) => (value: number): string =>
    stroke(kind, LEFT, y.at(value), RIGHT, y.at(value));
  const middle = (TOP + BOTTOM) / 2;
  return [
    ...x.between.map(vertical("between")),
    ...y.between.map(level("between")),
    ...x.decades.map(vertical("decade")),
    ...y.decades.map(level("decade")),
    stroke("axis", LEFT, BOTTOM, RIGHT, BOTTOM),
    stroke("axis", LEFT, TOP, LEFT, BOTTOM),
    ...x.decades.map((value) =>
      text(
        x.at(value),
        BOTTOM + 18,
        "quiet",
        labelOf(value, curve.bytes ? "B" : "count"),
        `font-size="12" text-anchor="middle"`,
      )
    ),
    ...y.decades.map((value) =>
      text(
        LEFT - 8,
        y.at(value) + 4,
        "quiet",
        labelOf(value, curve.unit),
        `font-size="12" text-anchor="end"`,
      )
    ),
    text(
      (LEFT + RIGHT) / 2,
      BOTTOM + 38,
      "text",
      curve.along,
      `font-size="13" text-anchor="middle"`,
    ),
    text(
      LEFT - 60,
      middle,
      "text",
      curve.of,
      `font-size="13" text-anchor="middle" transform="rotate(-90 ${LEFT - 60} ${middle})"`,
    ),
  ];
}

function legend(series: readonly Series[]): string[] {
  let at = LEFT - 60;
  return series.flatMap(({ label }, i) => {
    const place = at;
    at += 34 + label.length * 8;
    return [marker(i, place + 6, 56), text(place + 18, 60, "text", label, `font-size="13"`)];
  });
}

function line(
  label: string,
  points: readonly Point[],
  i: number,
  x: LogScale,
  y: LogScale,
  labelAt: number | null,
): string[] {
  if (points.length === 0 || labelAt === null) return [];
  const places = points.map(({ size, samples }) => {
    const { median } = summary(samples);
    return [x.at(size), y.at(median), y.at(Math.min(...samples)), y.at(Math.max(...samples))];
  });
  const path = places.map(([px, py]) => `${round(px)},${round(py)}`).join(" ");
  const [lastX] = places[places.length - 1];
  return [
    `  <polyline class="s${
      colour(i)
    }" fill="none" stroke-width="2" stroke-linejoin="round" points="${path}"/>`,
    ...places.map(([px, , least, most]) =>
      stroke(`s${colour(i)}`, px, least, px, most, `stroke-width="5" stroke-opacity="0.3"`)
    ),
    ...places.map(([px, py]) => marker(i, px, py)),
    text(lastX + 12, labelAt + 4, `f${colour(i)}`, label, `font-size="12" font-weight="600"`),
  ];
}

/** The least distance of labels beside the ends of lines. */
const APART = 15;

/** Labels beside the ends of lines, moved apart where they would lie on each other. */
export function labelPlaces(ends: readonly (number | null)[]): (number | null)[] {
  const places = [...ends];
  const order = ends.flatMap((end, i) => end === null ? [] : [{ end, i }])
    .sort((a, b) => a.end - b.end);
  const total = (order.length - 1) * APART;
  const middle = order.reduce((sum, { end }) => sum + end, 0) / order.length;
  let next = -Infinity;
  for (const { end, i } of order) {
    places[i] = next = Math.max(end, next + APART);
  }
  // Where all lie together they are spread around their middle.
  const spread = order.length > 1 && order[order.length - 1].end - order[0].end < total;
  if (spread) order.forEach(({ i }, n) => places[i] = middle - total / 2 + n * APART);
  return places;
}

function marker(i: number, x: number, y: number): string {
  const of = `class="f${colour(i)}"`;
  const [px, py] = [round(x), round(y)];
  switch (LOOKS[colour(i)].shape) {
    case "circle":
      return `  <circle ${of} cx="${px}" cy="${py}" r="4"/>`;
    case "square":
      return `  <rect ${of} x="${round(x - 3.5)}" y="${round(y - 3.5)}" width="7" height="7"/>`;
    case "triangle":
      return `  <path ${of} d="M${px} ${round(y - 4.8)}l4.6 8.2h-9.2z"/>`;
    case "diamond":
      return `  <path ${of} d="M${px} ${round(y - 5)}l5 5l-5 5l-5-5z"/>`;
  }
}

function colour(i: number): number {
  return i % LOOKS.length;
}

function stroke(kind: string, x1: number, y1: number, x2: number, y2: number, more = ""): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map(round);
  const space = more === "" ? "" : " ";
  return `  <line class="${kind}" x1="${a}" y1="${b}" x2="${c}" y2="${d}"${space}${more}/>`;
}

function text(x: number, y: number, kind: string, content: string, more: string): string {
  return `  <text class="${kind}" x="${round(x)}" y="${round(y)}" ${more}>${
    escaped(content)
  }</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
