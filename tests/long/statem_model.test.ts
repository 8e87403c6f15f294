/**
 * Our state machine beside gen_statem of OTP, at length: 10,000 scripts, or as many as ERGO_STATEM_RUNS says, with the seed
 * ERGO_STATEM_SEED where one is given.
 */
import { after, test } from "node:test";
import process from "node:process";
import { compareStatems } from "../gen/statem/_compare.ts";
import { startErlang } from "../_support/erlang.ts";
import { COOKIE, loadErlang } from "../_support/interop.ts";
import { OurSide, THEIRS } from "../_support/our_side.ts";
import { needs } from "../_support/runtime.ts";

const runs = Number(process.env.ERGO_STATEM_RUNS ?? 10_000);
const seed = process.env.ERGO_STATEM_SEED;

const ourSide = new OurSide(async (_kind, epmdPort) => {
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await loadErlang(erl, "statem_model");
  return erl;
});
after(() => ourSide.close());

test(`${runs} scripts at random leave the same trace as gen_statem's`, {
  skip: needs("erl", "epmd"),
}, async () => {
  const { node } = await ourSide.get("erlang");
  await compareStatems(node, runs, seed === undefined ? undefined : Number(seed));
});
