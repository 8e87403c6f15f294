/**
 * The same scripts through our supervisor and through OTP's, on a real node of Erlang: replies, children, starts and ends in their
 * order with their reasons, and what is reported must be the same. `tests/long/supervisor_model.test.ts` runs many more of them.
 */
import { test } from "node:test";
import { needs } from "../../_support/runtime.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { compareScripts } from "./_compare.ts";

const skip = needs("erl", "epmd");

test("50 random scripts do the same as with OTP's supervisor", { skip }, async () => {
  await compareScripts(50, 1828);
});

testNothingIsLeft();
