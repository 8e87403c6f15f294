/**
 * The tags of the external term format, as the specification spells them, in numeric order.
 *
 * The numbers in front of the names are sections of the guide (ERTS 13.1, "External Term Format"); tags without one
 * came with later releases or never were in it. The hot files write the numbers out, because a switch over literals is a jump table and one
 * over names is not; a test holds them to this table.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
export const Tag = {
  /** A native record, OTP 29; not sent to a peer that has not asked for it. */
  RECORD_EXT: 67,
  /** 12.29 */
  NEW_FLOAT_EXT: 70,
  /** 12.28 */
  BIT_BINARY_EXT: 77,
  /** 12.1, what stands behind it is a deflated term; only directly behind the version. */
  COMPRESSED: 80,
  /** 12.4, only behind a distribution header. */
  ATOM_CACHE_REF: 82,
  /** 12.12 */
  NEW_PID_EXT: 88,
  /** 12.9 */
  NEW_PORT_EXT: 89,
  /** 12.24 */
  NEWER_REFERENCE_EXT: 90,
  /** 12.5 */
  SMALL_INTEGER_EXT: 97,
  /** 12.6 */
  INTEGER_EXT: 98,
  /** 12.7, minor version 0. */
  FLOAT_EXT: 99,
  /** 12.32, Latin-1, deprecated. */
  ATOM_EXT: 100,
  /** 12.22, deprecated. */
  REFERENCE_EXT: 101,
  /** 12.8, until OTP 22. */
  PORT_EXT: 102,
  /** 12.11, until OTP 22. */
  PID_EXT: 103,
  /** 12.13 */
  SMALL_TUPLE_EXT: 104,
  /** 12.14 */
  LARGE_TUPLE_EXT: 105,
  /** 12.16 */
  NIL_EXT: 106,
  /** 12.17 */
  STRING_EXT: 107,
  /** 12.18 */
  LIST_EXT: 108,
  /** 12.19 */
  BINARY_EXT: 109,
  /** 12.20 */
  SMALL_BIG_EXT: 110,
  /** 12.21 */
  LARGE_BIG_EXT: 111,
  /** 12.26 */
  NEW_FUN_EXT: 112,
  /** 12.27 */
  EXPORT_EXT: 113,
  /** 12.23, until OTP 22. */
  NEW_REFERENCE_EXT: 114,
  /** 12.33, Latin-1, deprecated. */
  SMALL_ATOM_EXT: 115,
  /** 12.15 */
  MAP_EXT: 116,
  /** 12.25, removed in OTP 23. */
  FUN_EXT: 117,
  /** 12.30 */
  ATOM_UTF8_EXT: 118,
  /** 12.31 */
  SMALL_ATOM_UTF8_EXT: 119,
  /** 12.10 */
  V4_PORT_EXT: 120,
  /** OTP 26, a term that only the node that made it can read. */
  LOCAL_EXT: 121,
} as const;

/** The name of a tag. */
export type TagName = keyof typeof Tag;

/** The number of a tag. */
export type TagNumber = (typeof Tag)[TagName];

/** The byte before every term outside a distribution header. */
export const VERSION = 131;

/** The specification's name of a tag; its number where there is none. */
export function tagName(tag: number): string {
  for (const name in Tag) {
    if (Tag[name as TagName] === tag) return name;
  }
  return `tag ${tag}`;
}
