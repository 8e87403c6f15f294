/**
 * Thousands of random scripts through our supervisor and through OTP's: see tests/gen/supervisor/model.test.ts.
 *
 *     node scripts/test.mjs tests/long/supervisor_model
 *     SCRIPTS=20000 SEED=7 node scripts/test.mjs tests/long/supervisor_model -r node
 */
import process from "node:process";
import { test } from "node:test";
import { testNothingIsLeft } from "../_support/leaks.ts";
import { needs } from "../_support/runtime.ts";
import { compareScripts } from "../gen/supervisor/_compare.ts";

const SCRIPTS = Number(process.env.SCRIPTS ?? 2_000);
const { SEED } = process.env;

test(`${SCRIPTS} random scripts do the same as with OTP's supervisor`, {
  skip: needs("erl", "epmd"),
}, async () => {
  await compareScripts(SCRIPTS, SEED === undefined ? undefined : Number(SEED));
});

testNothingIsLeft();
