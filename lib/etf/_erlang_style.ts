import { Atom } from "./atom.ts";
import { Bitstring } from "./binary.ts";
import { Float } from "./float.ts";
import type { Opened, Style } from "./format.ts";
import { ExternalFun, Fun, LocalTerm, NativeRecord } from "./fun.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { ImproperList } from "./list.ts";
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
  isPrintableInList,
  printableList,
  printableText,
  quoted,
  scientific,
} from "./_printing.ts";
import { TermMap } from "./term_map.ts";
import { isTuple } from "./tuple.ts";
import { isUtf8, readLatin1 } from "./_utf8.ts";

/** As `io_lib:format("~0tp", [Term])` prints: binaries as with `+pc unicode`, lists as without. */
export const erlangStyle: Style = { leaf, open };

// Of OTP 27, where `maybe` and `else` have joined them.
const RESERVED: ReadonlySet<string> = new Set(
  ("after and andalso band begin bnot bor bsl bsr bxor case catch cond div end else fun if let maybe not of or orelse " +
    "receive rem try when xor").split(" "),
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
  if (value instanceof Pid) return `<${value.node}.${value.id}.${value.serial}>`;
  if (value instanceof Port) return `#Port<${value.node}.${value.id}>`;
  if (value instanceof Ref) {
    return `#Ref<${[value.node, ...value.words.toReversed()].join(".")}>`;
  }
  if (value instanceof Bitstring) return `<<${bitsText(value, ",", `:${value.bits}`, room)}>>`;
  if (value instanceof ExternalFun) {
    return `fun ${atomText(value.module.name)}:${atomText(value.function.name)}/${value.arity}`;
  }
  if (value instanceof Fun) return `#Fun<${value.module.name}.${value.index}.${value.oldUniq}>`;
  if (value instanceof LocalTerm) return `#Local<${value._bytes.length} bytes>`;
  if (
    value instanceof TermMap || value instanceof Map || value instanceof ImproperList ||
    value instanceof NativeRecord
  ) return undefined;
  return foreignText(value);
}

function open(value: object): Opened {
  if (Array.isArray(value)) {
    return {
      open: isTuple(value) ? "{" : "[",
      items: value,
      before: comma,
      close: isTuple(value) ? "}" : "]",
    };
  }
  if (value instanceof TermMap || value instanceof Map) {
    const items = value instanceof TermMap ? value._flat : [...value].flat();
    return { open: "#{", items, before: arrow, close: "}" };
  }
  if (value instanceof ImproperList) {
    const end = value.elements.length;
    const before = (i: number): string => (i === end ? "|" : comma(i));
    return { open: "[", items: [...value.elements, value.tail], before, close: "]" };
  }
  if (value instanceof NativeRecord) {
    const names = value.fields.map(([name]) => `${atomText(name.name)} = `);
    return {
      open: `#${atomText(value.module.name)}:${atomText(value.name.name)}{`,
      items: value.fields.map(([, item]) => item),
      before: (i) => comma(i) + names[i],
      close: "}",
    };
  }
  return { open: "#js{", items: fieldsOf(value), before: arrow, close: "}" };
}

function comma(index: number): string {
  return index === 0 ? "" : ",";
}

function arrow(index: number): string {
  return index % 2 === 1 ? " => " : comma(index);
}

function atomText(name: string): string {
  const plain = /^[a-zß-öø-ÿ][a-zA-ZÀ-ÖØ-öø-ÿ0-9_@]*$/.test(name) && !RESERVED.has(name);
  return plain ? name : quoted(name, "'");
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return `#js<${value}>`;
  const { sign, digits, place } = digitsOf(value);
  if (value === 0) return `${sign}0.0`;
  // The shorter of the two, as Erlang counts: the digits that only fill up against the exponent; beyond 2^53 always with one.
  const exponent = String(place - 1).length + 1 + (digits.length === 1 ? 2 : 1);
  const filling = place <= 0 ? 2 - place : place - digits.length + 2;
  const short = place === 0 || (place > 0 && place < digits.length) || filling <= exponent;
  const plain = short && Math.abs(value) < 2 ** 53;
  return sign + (plain ? fixed(digits, place) : scientific(digits, place));
}

function binaryText(bytes: Uint8Array, room: number): string {
  if (bytes.length === 0) return "<<>>";
  const shown = cutBytes(bytes, room);
  const text = printableText(shown) ?? latin1Text(shown);
  if (text === undefined) return `<<${shown.join(",")}>>`;
  const plain = text.length === shown.length;
  return `<<${quoted(text, '"')}${plain ? "" : "/utf8"}>>`;
}

/** Bytes that are not UTF-8 are printed as ISO 8859-1, if all are printable there. */
function latin1Text(bytes: Uint8Array): string | undefined {
  if (isUtf8(bytes, 0, bytes.length) || !bytes.every(isPrintable)) return undefined;
  return readLatin1(bytes, 0, bytes.length);
}

function listText(list: readonly unknown[], room: number): string | undefined {
  const text = list.length === 0 ? "" : printableList(list, isPrintableInList, room);
  if (text === undefined) return undefined;
  return text === "" ? "[]" : quoted(text, '"');
}
