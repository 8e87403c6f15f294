export { date, dateTime, erlangDateTime, naiveDateTime, time } from "./calendar.ts";
export { lazy, list, map, nilable, result, tagged, textMap, tuple, union } from "./compound.ts";
export { decimal } from "./decimal.ts";
export { keyword, object, options, record, struct } from "./fields.ts";
export { from, instance, plain } from "./foreign.ts";
export {
  anyTuple,
  atom,
  bigint,
  binary,
  bitstring,
  boolean,
  bytes,
  enum,
  float,
  fun,
  integer,
  literal,
  nil,
  number,
  pid,
  port,
  ref,
  term,
  termMap,
  text,
} from "./leaves.ts";
export { chardata, charlist, iodata } from "./text_lists.ts";
