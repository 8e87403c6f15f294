import { atom, ImproperList, isTuple, type Term, Tuple } from "../../mod.ts";
import type { Random } from "./random.ts";

/** Another term of nearly the same shape: one place in it, or some, hold something else, twice, or nothing. */
export function mutatedTerm(term: Term, random: Random, pool: readonly Term[]): Term {
  if (random.once(5) || !Array.isArray(term) || term.length === 0) return strange(random, pool);
  const elements = Array.from(term as Term[]);
  const at = random.below(elements.length);
  switch (random.below(12)) {
    case 0:
      elements.splice(at, 1);
      break;
    case 1:
      elements.splice(at, 0, elements[random.below(elements.length)]);
      break;
    case 2:
      elements.splice(at, 0, strange(random, pool));
      break;
    case 3:
      [elements[at], elements[0]] = [elements[0], elements[at]];
      break;
    default:
      elements[at] = mutatedTerm(elements[at], random, pool);
  }
  if (!isTuple(term)) return elements;
  const tuple = new Tuple(elements.length);
  elements.forEach((element, i) => tuple[i] = element);
  return tuple as unknown as Term;
}

/** What nobody expects in a place. */
function strange(random: Random, pool: readonly Term[]): Term {
  switch (random.below(12)) {
    case 0:
      return random.pick([0, 1, -1, 255, 256, 2 ** 31, 2 ** 53 - 1, 2n ** 64n, -(2n ** 70n)]);
    case 1:
      return random.pick([
        true,
        false,
        null,
        atom(""),
        atom("undefined"),
        atom("kill"),
        atom("normal"),
      ]);
    case 2:
      return random.pick<Term>([
        [],
        [1, 2],
        new ImproperList([1], 2),
        new ImproperList([atom("alias")], 7),
      ]);
    case 3:
      return random.pick([0.5, -0.5, 1e300]);
    default:
      return random.pick(pool);
  }
}
