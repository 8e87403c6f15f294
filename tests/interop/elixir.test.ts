/**
 * The conformance node, driven from Elixir, by a visible and by a hidden node, or in the one mode that a run is about: the checks of
 * elixir_checks.exs and of the .erl files.
 */
import { after, test } from "node:test";
import { startElixir } from "../_support/elixir.ts";
import {
  checksIn,
  COOKIE,
  loadElixir,
  loadErlangInElixir,
  mustConnect,
  OWN_CHECKS,
  Pairs,
  SHARED_CHECKS,
  startConformance,
  titleOf,
} from "../_support/interop.ts";
import { assertNothingLeft, openNow } from "../_support/leaks.ts";
import { kindsOf, modeOf, theirOptions } from "../_support/modes.ts";
import { needs } from "../_support/runtime.ts";

const skip = needs("erl", "elixir");
const CHECKS = "elixir_checks.exs";
const MODULES = [...SHARED_CHECKS, ...OWN_CHECKS];

const before = openNow();
const pairs = new Pairs(async (kind) => {
  const mode = modeOf(kind);
  const examined = await startConformance({ mode });
  const examiner = await startElixir({
    name: "theirs@localhost",
    cookie: COOKIE,
    epmdPort: examined.epmdPort,
    ...theirOptions(mode),
  });
  await mustConnect({ examined, examiner }, `Node.ping(:"${examined.name}")`, ":pong");
  await loadElixir(examiner, CHECKS);
  for (const module of ["checks", ...MODULES]) await loadErlangInElixir(examiner, module);
  await examiner.eval(`:checks.published(${mode === "published"})`);
  return { examined, examiner };
});

after(() => pairs.close());

for (const kind of kindsOf("Elixir")) {
  for (const check of checksIn(CHECKS)) {
    test(`${kind}: ${titleOf(check)}`, { skip }, async () => {
      await pairs.check(kind, (node) => `ElixirChecks.run(:${check}, :"${node}")`, ":ok");
    });
  }
  for (const module of MODULES) {
    for (const check of checksIn(`${module}.erl`)) {
      test(`${kind}, ${module}: ${titleOf(check)}`, { skip }, async () => {
        const run = (node: string): string => `:checks.run(:${module}, :${check}, :"${node}")`;
        await pairs.check(kind, run, ":ok");
      });
    }
  }
}

test("nothing is left open", async () => {
  await pairs.close();
  await assertNothingLeft(before);
});
