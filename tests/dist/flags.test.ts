import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  announcedFlags,
  expandFlags,
  type FlagName,
  flagNames,
  FLAGS,
  hasFlag,
  MANDATORY_25,
  MANDATORY_26,
  missingFlags,
  REQUIRED_FLAGS,
} from "../../lib/dist/flags.ts";

/** What OTP 25.2.3 sends, published. */
const OTP_25 = 0xd07df7fbdn;

test("every flag is one bit, and no two are the same", () => {
  const bits = Object.values(FLAGS).map(({ value }) => value.toString(2));
  for (const bit of bits) assertEquals(bit.replaceAll("0", ""), "1");
  assertEquals(new Set(bits).size, bits.length);
});

test("the mandatory flags of OTP 25 are those of its dist.hrl", () => {
  assertEquals(MANDATORY_25, 0x1070f94n);
  assertEquals(MANDATORY_26, 0x4_0200_0000n);
  assertEquals(REQUIRED_FLAGS, MANDATORY_25);
});

test("a hidden node without fragments and atom cache announces this", () => {
  assertEquals(announcedFlags(), 0x2d075f5fbcn);
  assertEquals(
    announcedFlags(),
    OTP_25 & ~named("PUBLISHED", "DIST_HDR_ATOM_CACHE", "FRAGMENTS") | named("ALTACT_SIG"),
  );
});

test("what OTP 25 announces is what we announce with all options, and a flag of OTP 28", () => {
  const all = { published: true, fragments: true, atomCache: true };
  assertEquals(announcedFlags(all), OTP_25 | named("ALTACT_SIG"));
});

test("each option turns on its flag alone", () => {
  const none = announcedFlags();
  assertEquals(flagNames(announcedFlags({ published: true }) & ~none), ["PUBLISHED"]);
  assertEquals(flagNames(announcedFlags({ fragments: true }) & ~none), ["FRAGMENTS"]);
  assertEquals(flagNames(announcedFlags({ atomCache: true }) & ~none), ["DIST_HDR_ATOM_CACHE"]);
  assertEquals(flagNames(announcedFlags({ nameMe: true }) & ~none), ["NAME_ME"]);
});

test("a node that asks for a name is not published, as in OTP", () => {
  const flags = announcedFlags({ published: true, nameMe: true });
  assertEquals([hasFlag(flags, "PUBLISHED"), hasFlag(flags, "NAME_ME")], [false, true]);
});

test("missing flags are named, in the order of the specification", () => {
  assertEquals(missingFlags(OTP_25), []);
  assertEquals(missingFlags(announcedFlags()), []);
  assertEquals(missingFlags(MANDATORY_25 & ~named("MAP_TAG", "FUN_TAGS")), ["FUN_TAGS", "MAP_TAG"]);
  assertEquals(missingFlags(MANDATORY_25, MANDATORY_26), ["UNLINK_ID", "V4_NC"]);
});

test("the digest bit stands for all mandatory flags of OTP 25, and for none of 26", () => {
  assertEquals(expandFlags(0x400_0000n), MANDATORY_25 | 0x400_0000n);
  assertEquals(missingFlags(0x400_0000n), []);
  assertEquals(missingFlags(0x400_0000n, MANDATORY_25 | MANDATORY_26), ["UNLINK_ID", "V4_NC"]);
});

test("bits without a name are printed as numbers", () => {
  assertEquals(flagNames(1n << 63n | 1n), ["PUBLISHED", "0x8000000000000000"]);
});

function named(...names: FlagName[]): bigint {
  return names.reduce((flags, name) => flags | FLAGS[name].value, 0n);
}

test("any flag can be left out, by its name", () => {
  const all = announcedFlags({ fragments: true, atomCache: true });
  const without = announcedFlags({
    fragments: true,
    atomCache: true,
    without: ["FRAGMENTS", "SPAWN", "PUBLISHED"],
  });
  assertEquals(all & ~without, FLAGS.FRAGMENTS.value | FLAGS.SPAWN.value);
  assertEquals(without & ~all, 0n);
  assertThrows(
    () => announcedFlags({ without: ["FRAGMENT"] }),
    TypeError,
    "Cannot leave out flag FRAGMENT: there is no such flag, there are PUBLISHED, ",
  );
});
