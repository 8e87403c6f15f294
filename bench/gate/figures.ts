/** One figure of the gate. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** By what part it may differ from run to run. */
  readonly varies: number;
}

/** What is accepted, by figure and runtime. */
export type Bounds = Readonly<Record<string, Readonly<Record<string, number>>>>;

export type State = "grown" | "as before" | "less" | "new";

export interface Checked extends Figure {
  readonly bound: number | null;
  readonly state: State;
}

/** The figures of a runtime beside what was accepted. Only what has grown is a fault; what is less should be accepted, so that it stays. */
export function checkFigures(
  figures: readonly Figure[],
  bounds: Bounds,
  runtime: string,
): Checked[] {
  return figures.map((figure) => {
    const bound = bounds[figure.name]?.[runtime] ?? null;
    return { ...figure, bound, state: stateOf(figure, bound) };
  });
}

function stateOf({ value, varies }: Figure, bound: number | null): State {
  if (bound === null) return "new";
  if (value > bound * (1 + varies)) return "grown";
  return value < bound * (1 - varies) ? "less" : "as before";
}

/** Names of bounds that no figure has any more. */
export function unused(bounds: Bounds, all: readonly (readonly Figure[])[]): string[] {
  const names = new Set(all.flatMap((figures) => figures.map(({ name }) => name)));
  return Object.keys(bounds).filter((name) => !names.has(name));
}

/** The bounds that accept these figures; those of other runtimes stay. */
export function accepted(
  bounds: Bounds,
  measured: Readonly<Record<string, readonly Figure[]>>,
): Bounds {
  const names = [...new Set(Object.values(measured).flat().map(({ name }) => name))];
  return Object.fromEntries(names.map((name) => {
    const found = Object.entries(measured).flatMap(([runtime, figures]) =>
      figures.filter((figure) => figure.name === name)
        .map(({ value }) => [runtime, value] as const)
    );
    return [name, { ...bounds[name], ...Object.fromEntries(found) }];
  }));
}
