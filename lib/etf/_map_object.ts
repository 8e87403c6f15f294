import { Atom } from "./atom.ts";
import { Binary } from "./binary.ts";
import type { Term } from "./term.ts";
import { readUtf8 } from "./_utf8.ts";

/** The plain object of a map whose keys are all of one kind, `undefined` for other maps. */
export function mapObject(flat: readonly Term[], keys: "atoms" | "binaries"): Term | undefined {
  const object: Record<string, Term> = {};
  for (let i = 0; i < flat.length; i += 2) {
    const name = keys === "atoms" ? atomKey(flat[i]) : textKey(flat[i]);
    if (name === undefined) return undefined;
    // Assigned, it would be the prototype instead of a property.
    if (name === "__proto__") {
      Object.defineProperty(object, name, {
        value: flat[i + 1],
        writable: true,
        enumerable: true,
        configurable: true,
      });
    } else {
      object[name] = flat[i + 1];
    }
  }
  return object as unknown as Term;
}

function atomKey(key: Term): string | undefined {
  if (key instanceof Atom) return key.name;
  if (typeof key === "boolean") return String(key);
  return key === null ? "nil" : undefined;
}

function textKey(key: Term): string | undefined {
  if (typeof key === "string") return key;
  return key instanceof Binary ? readUtf8(key, 0, key.length) : undefined;
}
