/** Our state machine beside gen_statem: the same scripts at random, and the same trace. A long run is in tests/long. */
import { after, test } from "node:test";
import { compareStatems } from "./_compare.ts";
import { OurSide, THEIRS } from "../../_support/our_side.ts";
import { startErlang } from "../../_support/erlang.ts";
import { COOKIE, loadErlang } from "../../_support/interop.ts";
import { assertNothingLeft, openNow } from "../../_support/leaks.ts";
import { needs } from "../../_support/runtime.ts";

const before = openNow();
const ourSide = new OurSide(async (_kind, epmdPort) => {
  const erl = await startErlang({ name: THEIRS, cookie: COOKIE, epmdPort, hidden: true });
  await loadErlang(erl, "statem_model");
  return erl;
});
after(() => ourSide.close());

test("300 scripts at random leave the same trace as gen_statem's", {
  skip: needs("erl", "epmd"),
}, async () => {
  const { node } = await ourSide.get("erlang");
  await compareStatems(node, 300, 1828);
});

test("nothing is left open", async () => {
  await ourSide.close();
  await assertNothingLeft(before);
});
