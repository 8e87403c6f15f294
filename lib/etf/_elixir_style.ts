import { Atom } from "./atom.ts";
import { Bitstring } from "./binary.ts";
import { Float } from "./float.ts";
import type { Opened, Style } from "./format.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { ImproperList, isList } from "./list.ts";
import {
  bitsText,
  cutBytes,
  cutText,
  digitsOf,
  fieldsOf,
  fixed,
  foreignText,
  integerText,
  isPrintable,
  printableList,
  printableText,
  quoted,
  scientific,
} from "./_printing.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";

/** As `inspect(term, limit: :infinity)` prints in Elixir 1.15 and later. */
export const elixirStyle: Style = { leaf, open };

const OPERATORS: ReadonlySet<string> = new Set(
  ("! && || & | + - * / ++ -- ** +++ --- == != === !== =~ < > <= >= |> <<< >>> <<~ ~>> <~ ~> <~> ^ ^^^ ~~~ @ . .. ... " +
    "\\\\ :: -> <- => = {} %{} % <<>> ..// and or not in when").split(" "),
);

function leaf(value: unknown, room: number): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? String(value)
        : floatText(value);
    case "bigint":
      return integerText(value, room);
    case "string":
      return binaryText(cutText(value, room), room);
    case "boolean":
      return String(value);
    case "object":
      break;
    default:
      return foreignText(value);
  }
  if (value === null) return "nil";
  if (value instanceof Atom) return atomText(value.name);
  if (Array.isArray(value)) return isTuple(value) ? undefined : listText(value, room);
  if (value instanceof Uint8Array) return binaryText(value, room);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Pid) return `#PID<${value.node}.${value.id}.${value.serial}>`;
  if (value instanceof Port) return `#Port<${value.node}.${value.id}>`;
  if (value instanceof Ref) {
    return `#Reference<${[value.node, ...value.words.toReversed()].join(".")}>`;
  }
  if (value instanceof Bitstring) {
    return `<<${bitsText(value, ", ", `::size(${value.bits})`, room)}>>`;
  }
  if (value instanceof ExternalFun) {
    const name = value.function.name;
    const callable = IDENTIFIER.test(name) || OPERATORS.has(name);
    return `&${atomText(value.module.name)}.${callable ? name : text(name)}/${value.arity}`;
  }
  if (value instanceof Fun) {
    return `#Function<${value.index}.${value.oldUniq} in ${atomText(value.module.name)}>`;
  }
  if (value instanceof LocalTerm) return `#Local<${value._bytes.length} bytes>`;
  if (
    value instanceof TermMap || value instanceof Map || value instanceof ImproperList ||
    value instanceof NativeRecord
  ) return undefined;
  return foreignText(value);
}

function open(value: object): Opened {
  if (isList(value)) {
    const pairs = isKeyword(value) ? value.flat() : undefined;
    return pairs === undefined
      ? { open: "[", items: value, before: comma, close: "]" }
      : fields("[", pairs, "]");
  }
  if (Array.isArray(value)) return { open: "{", items: value, before: comma, close: "}" };
  if (value instanceof TermMap || value instanceof Map) {
    const map = value instanceof TermMap ? value : new TermMap(value as never);
    return openMap(map, map._flat);
  }
  if (value instanceof ImproperList) {
    const end = value.elements.length;
    const before = (i: number): string => (i === end ? " | " : comma(i));
    return { open: "[", items: [...value.elements, value.tail], before, close: "]" };
  }
  if (value instanceof NativeRecord) {
    return fields(`#${atomText(value.module.name)}:${value.name.name}{`, value.fields.flat(), "}");
  }
  return { open: "#js{", items: fieldsOf(value), before: arrow, close: "}" };
}

function openMap(map: TermMap, flat: readonly unknown[]): Opened {
  const struct = map.struct;
  const allAtoms = flat.every((key, i) => i % 2 === 1 || isKey(key));
  if (struct !== undefined && allAtoms && isAlias(`Elixir.${struct}`)) {
    const pairs = flat.filter((_, i) => {
      const key = flat[i - (i % 2)];
      return !(key instanceof Atom && key.name === "__struct__");
    });
    return fields(`%${struct}{`, pairs, "}");
  }
  if (allAtoms && flat.length > 0) return fields("%{", flat, "}");
  return { open: "%{", items: flat, before: arrow, close: "}" };
}

/** `name: value, ...`; the names are no items. */
function fields(open: string, flat: readonly unknown[], close: string): Opened {
  const items = flat.filter((_, i) => i % 2 === 1);
  const before = (i: number): string => `${comma(i)}${keyText(flat[i * 2])}: `;
  return { open, items, before, close };
}

function isKeyword(list: readonly unknown[]): boolean {
  return list.every((item) => isTuple(item) && item.length === 2 && isKey(item[0]));
}

/** Whether Elixir writes an atom as `name:` in front of a value. */
function isKey(key: unknown): boolean {
  return typeof key === "boolean" || key === null ||
    (key instanceof Atom && !key.name.startsWith("Elixir."));
}

function keyText(key: unknown): string {
  const name = key instanceof Atom ? key.name : key === null ? "nil" : String(key);
  return IDENTIFIER.test(name) || OPERATORS.has(name) ? name : text(name);
}

function comma(index: number): string {
  return index === 0 ? "" : ", ";
}

function arrow(index: number): string {
  return index % 2 === 1 ? " => " : comma(index);
}

const IDENTIFIER = /^[\p{Ll}\p{Lo}\p{Lm}_][\p{L}\p{N}_]*[?!]?$/u;
const PLAIN_ATOM = /^[\p{L}_][\p{L}\p{N}_@]*[?!]?$/u;

function isAlias(name: string): boolean {
  return /^Elixir(\.[A-Z][A-Za-z0-9_]*)+$/.test(name);
}

function atomText(name: string): string {
  if (name === "Elixir") return name;
  if (isAlias(name)) return name.slice(7);
  return `:${PLAIN_ATOM.test(name) || OPERATORS.has(name) ? name : text(name)}`;
}

function text(value: string): string {
  return quoted(value, '"').replaceAll("#{", "\\#{");
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return `#js<${value}>`;
  const { sign, digits, place } = digitsOf(value);
  if (value === 0) return `${sign}0.0`;
  if (Math.abs(value) >= 1) {
    return sign + (place <= 16 ? fixed(digits, place) : scientific(digits, place));
  }
  const exponent = String(place - 1).length + 1 + (digits.length === 1 ? 2 : 1);
  return sign +
    (place === 0 || 2 - place <= exponent ? fixed(digits, place) : scientific(digits, place));
}

function binaryText(bytes: Uint8Array, room: number): string {
  const shown = cutBytes(bytes, room);
  const readable = printableText(shown);
  return readable === undefined ? `<<${shown.join(", ")}>>` : text(readable);
}

function listText(list: readonly unknown[], room: number): string | undefined {
  if (list.length === 0) return "[]";
  const readable = printableList(list, (point) => point < 127 && isPrintable(point), room);
  return readable === undefined ? undefined : `~c${text(readable)}`;
}
