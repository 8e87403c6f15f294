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

/** The figures of a runtime beside what was accepted. What is less is no fault, and should be accepted, so that it stays. */
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

/** The figures of each runtime that was measured. */
export type Measured = Readonly<Record<string, readonly Figure[]>>;

/** Names of bounds that a runtime was measured for, and has no figure of any more. */
export function unused(bounds: Bounds, measured: Measured): string[] {
  return Object.keys(bounds).filter((name) =>
    Object.keys(bounds[name]).some((runtime) =>
      measured[runtime]?.every((figure) => figure.name !== name)
    )
  );
}

/** What is wrong, a line each, and what else should be known. What nothing holds and what nothing measures is wrong: it would never fail. */
export function verdict(
  checked: Readonly<Record<string, readonly Checked[]>>,
  unused: readonly string[],
): { readonly faults: readonly string[]; readonly remarks: readonly string[] } {
  const all = Object.values(checked).flat();
  const names = (state: State): string[] => [
    ...new Set(all.filter((figure) => figure.state === state).map(({ name }) => name)),
  ];
  const say = (which: readonly string[], what: string): string[] =>
    which.length === 0 ? [] : [`${which.join(", ")}: ${what}`];
  return {
    faults: [
      ...say(names("grown"), "grown"),
      ...say(names("new"), "nothing is accepted yet"),
      ...say(unused, "accepted, and nothing measures it any more"),
    ],
    remarks: say(names("less"), "less, which is not held before it is accepted"),
  };
}

/** The bounds that accept these figures; those of runtimes that were not measured stay. */
export function accepted(bounds: Bounds, measured: Measured): Bounds {
  const names = Object.values(measured).flat().map(({ name }) => name);
  const all = [...new Set([...names, ...Object.keys(bounds)])].map((name) => {
    const kept = Object.entries(bounds[name] ?? {}).filter(([runtime]) => !(runtime in measured));
    const found = Object.entries(measured).flatMap(([runtime, figures]) =>
      figures.filter((figure) => figure.name === name)
        .map(({ value }) => [runtime, value] as const)
    );
    return [name, Object.fromEntries([...kept, ...found])] as const;
  });
  return Object.fromEntries(all.filter(([, bound]) => Object.keys(bound).length > 0));
}
