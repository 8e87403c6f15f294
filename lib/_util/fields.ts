/**
 * Names that an object of options may have, for programs without types: a misspelt option would be taken for its default.
 *
 * @module
 */

/** A table of all fields of a type, so that the compiler knows when one is missing. */
export type FieldsOf<T> = Readonly<Record<keyof T & string, unknown>>;

/**
 * Refuses what is no object, and one with a field that there is not.
 *
 * @param what what cannot be done then, as `start a process`.
 * @param fields a table that has every field that there is.
 * @throws {TypeError}
 */
export function checkFields(
  what: string,
  options: unknown,
  fields: Readonly<Record<string, unknown>>,
): void {
  if (typeof options !== "object" || options === null) {
    const came = options === null ? "null" : typeof options;
    throw new TypeError(`Cannot ${what}: its options must be an object, ${came} came`);
  }
  for (const name in options) {
    if (!Object.hasOwn(fields, name)) {
      throw new TypeError(
        `Cannot ${what} with option ${name}: there is no such option, ${
          namesInstead(name, Object.keys(fields))
        }`,
      );
    }
  }
}

/** What to say where a name is none of those that are known: all of them, and which one may be meant. */
export function namesInstead(name: string, known: readonly string[]): string {
  const nearest = nearestOf(name, known);
  const meant = nearest === null ? "" : `; ${nearest} may be meant`;
  return `there are ${known.join(", ")}${meant}`;
}

/** The one of `known` that a misspelt name is most like; `null` where it is like none. */
export function nearestOf(name: string, known: readonly string[]): string | null {
  const misspelt = name.slice(0, 64).toLowerCase();
  let nearest: string | null = null;
  let least = Math.max(2, Math.floor(misspelt.length / 3)) + 1;
  for (const one of known) {
    const distance = distanceOf(misspelt, one.toLowerCase());
    if (distance < least) [nearest, least] = [one, distance];
  }
  return nearest;
}

/** How many letters have to be put in, left out, replaced, or changed with their neighbour. */
function distanceOf(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
