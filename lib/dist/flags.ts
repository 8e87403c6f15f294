/**
 * A bit of the flags.
 *
 * `mandatory`: the OTP release whose nodes refuse a peer without it, `null` for none.
 * `send`: whether we announce it; a word names the option of {@linkcode FlagOptions} that turns it on.
 */
interface FlagRow {
  readonly value: bigint;
  readonly mandatory: 25 | 26 | null;
  readonly send: boolean | "published" | "fragments" | "atomCache" | "nameMe";
}

/**
 * The capabilities that two nodes tell each other in the handshake, in the order of the specification:
 * https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-flags (`DFLAG_` is left out).
 *
 * The guide's text prints MANDATORY_25_DIGEST as `1 bsl 36`; dist.h, dist.hrl and the wire have bit 26.
 */
// deno-fmt-ignore
export const FLAGS = {
  PUBLISHED:           { value: 0x1n,            mandatory: null, send: "published" },
  ATOM_CACHE:          { value: 0x2n,            mandatory: null, send: false       }, // obsolete
  EXTENDED_REFERENCES: { value: 0x4n,            mandatory: 25,   send: true        },
  DIST_MONITOR:        { value: 0x8n,            mandatory: null, send: true        },
  FUN_TAGS:            { value: 0x10n,           mandatory: 25,   send: true        },
  DIST_MONITOR_NAME:   { value: 0x20n,           mandatory: null, send: true        },
  HIDDEN_ATOM_CACHE:   { value: 0x40n,           mandatory: null, send: false       }, // obsolete
  NEW_FUN_TAGS:        { value: 0x80n,           mandatory: 25,   send: true        },
  EXTENDED_PIDS_PORTS: { value: 0x100n,          mandatory: 25,   send: true        },
  EXPORT_PTR_TAG:      { value: 0x200n,          mandatory: 25,   send: true        },
  BIT_BINARIES:        { value: 0x400n,          mandatory: 25,   send: true        },
  NEW_FLOATS:          { value: 0x800n,          mandatory: 25,   send: true        },
  UNICODE_IO:          { value: 0x1000n,         mandatory: null, send: true        },
  DIST_HDR_ATOM_CACHE: { value: 0x2000n,         mandatory: null, send: "atomCache" },
  SMALL_ATOM_TAGS:     { value: 0x4000n,         mandatory: null, send: true        },
  UTF8_ATOMS:          { value: 0x10000n,        mandatory: 25,   send: true        },
  MAP_TAG:             { value: 0x20000n,        mandatory: 25,   send: true        },
  BIG_CREATION:        { value: 0x40000n,        mandatory: 25,   send: true        },
  SEND_SENDER:         { value: 0x80000n,        mandatory: null, send: true        },
  BIG_SEQTRACE_LABELS: { value: 0x100000n,       mandatory: null, send: true        },
  EXIT_PAYLOAD:        { value: 0x400000n,       mandatory: null, send: true        },
  FRAGMENTS:           { value: 0x800000n,       mandatory: null, send: "fragments" }, // alone it already means the distribution header
  HANDSHAKE_23:        { value: 0x1000000n,      mandatory: 25,   send: true        },
  UNLINK_ID:           { value: 0x2000000n,      mandatory: 26,   send: true        },
  MANDATORY_25_DIGEST: { value: 0x4000000n,      mandatory: null, send: true        }, // stands for every row marked 25
  SPAWN:               { value: 0x1_0000_0000n,  mandatory: null, send: true        },
  NAME_ME:             { value: 0x2_0000_0000n,  mandatory: null, send: "nameMe"    }, // a request, not a capability
  V4_NC:               { value: 0x4_0000_0000n,  mandatory: 26,   send: true        },
  ALIAS:               { value: 0x8_0000_0000n,  mandatory: null, send: true        },
  LOCAL_EXT:           { value: 0x10_0000_0000n, mandatory: null, send: false       }, // internal to OTP
  ALTACT_SIG:          { value: 0x20_0000_0000n, mandatory: null, send: true        }, // OTP 28: replaces ALIAS_SEND, which OTP 30 may drop
  NATIVE_RECORDS:      { value: 0x40_0000_0000n, mandatory: null, send: false       }, // OTP 29: its records, which 29.1 sends also to who does not announce it
} as const;

/** The name of a flag, as the specification spells it. */
export type FlagName = keyof typeof FLAGS;

/** What decides about the flags that we do not always announce. */
export interface FlagOptions {
  /** Take part in `global` and full meshes: only with `global` answered in full. Default false: a hidden node. */
  readonly published?: boolean;
  /** Large messages in pieces, with a distribution header on every message. Default false. */
  readonly fragments?: boolean;
  /** Atoms by their number in a cache of the connection. Default false. */
  readonly atomCache?: boolean;
  /** Ask the peer for a node name. As in OTP, whoever asks is not published. Default false. */
  readonly nameMe?: boolean;
  /** Flags that are not announced after all, for tests of what a peer does without them. Default: none. */
  readonly without?: readonly string[];
}

const ROWS: readonly (readonly [FlagName, FlagRow])[] = Object.entries(FLAGS) as [
  FlagName,
  FlagRow,
][];

/** What OTP 25 requires of a peer, and what MANDATORY_25_DIGEST stands for. */
export const MANDATORY_25: bigint = union((row) => row.mandatory === 25);

/** What OTP 26 and later require of a peer besides. */
export const MANDATORY_26: bigint = union((row) => row.mandatory === 26);

/** What we require of a peer unless told otherwise: the mandatory flags of OTP 25 and nothing newer, so that 23 and 24 are let in. */
export const REQUIRED_FLAGS: bigint = MANDATORY_25;

/** The flags that we announce. */
export function announcedFlags(options: FlagOptions = {}): bigint {
  const { nameMe = false, fragments = false, atomCache = false, without = [] } = options;
  const published = (options.published ?? false) && !nameMe;
  const chosen = { published, fragments, atomCache, nameMe };
  const announced = union(({ send }) => typeof send === "boolean" ? send : chosen[send]);
  return without.reduce((flags, name) => flags & ~valueOf(name), announced);
}

/** The flags with MANDATORY_25_DIGEST spelled out: from OTP 25 a node may send it in place of what it stands for. */
export function expandFlags(flags: bigint): bigint {
  return hasFlag(flags, "MANDATORY_25_DIGEST") ? flags | MANDATORY_25 : flags;
}

/** The names of the required flags that are not among `flags`. */
export function missingFlags(flags: bigint, required: bigint = REQUIRED_FLAGS): string[] {
  return flagNames(required & ~expandFlags(flags));
}

/** The names of all flags that are set; a bit that has no name is printed as a number. */
export function flagNames(flags: bigint): string[] {
  const names: string[] = [];
  let rest = flags;
  for (const [name, { value }] of ROWS) {
    if ((rest & value) === 0n) continue;
    names.push(name);
    rest &= ~value;
  }
  for (let bit = 1n; rest !== 0n; bit <<= 1n) {
    if ((rest & bit) === 0n) continue;
    names.push(`0x${bit.toString(16)}`);
    rest &= ~bit;
  }
  return names;
}

function valueOf(name: string): bigint {
  if (Object.hasOwn(FLAGS, name)) return FLAGS[name as FlagName].value;
  throw new TypeError(
    `Cannot leave out flag ${name}: there is no such flag, there are ${
      Object.keys(FLAGS).join(", ")
    }`,
  );
}

/** Whether a flag is set. */
export function hasFlag(flags: bigint, name: FlagName): boolean {
  return (flags & FLAGS[name].value) !== 0n;
}

function union(choose: (row: FlagRow) => boolean): bigint {
  return ROWS.reduce((flags, [, row]) => choose(row) ? flags | row.value : flags, 0n);
}
