/**
 * The conformance node, driven from Erlang: every check of the .erl files here, by a visible and by a hidden node.
 *
 * Most are also run against a node of Erlang that keeps the same contract (demo.erl): so what they expect is what OTP does.
 */
import { after, test } from "node:test";
import { poll, startEpmd, startErlang } from "../_support/erlang.ts";
import {
  checksIn,
  type Conformance,
  COOKIE,
  loadErlang,
  OWN_CHECKS,
  Pairs,
  SHARED_CHECKS,
  startConformance,
  titleOf,
} from "../_support/interop.ts";
import { assertNothingLeft, openNow, openSockets } from "../_support/leaks.ts";
import { needs, runtime } from "../_support/runtime.ts";

const skip = needs("erl", "epmd");
const OURS = [...SHARED_CHECKS, ...OWN_CHECKS];

const before = openNow();
/** Of the examined node, connected. */
let socketsAtFirst = 0;
const pairs = new Pairs(async (kind) => {
  const examined = kind === "Erlang itself" ? await startDemo() : await startConformance();
  const { epmdPort } = examined;
  const hidden = kind === "hidden";
  const examiner = await startErlang({
    name: "theirs@localhost",
    cookie: COOKIE,
    epmdPort,
    hidden,
    mesh: true,
  });
  for (const module of ["checks", ...OURS]) await loadErlang(examiner, module);
  await examiner.eval(`net_adm:ping('${examined.name}')`);
  socketsAtFirst = openSockets(examined.pid);
  return { examined, examiner };
});

after(() => pairs.close());

/** A node of Erlang in the place of ours. */
async function startDemo(): Promise<Conformance> {
  const epmd = await startEpmd();
  const name = "ours@localhost";
  const erl = await startErlang({ name, cookie: COOKIE, epmdPort: epmd.port, hidden: true });
  await loadErlang(erl, "demo");
  await erl.eval("demo:start()");
  const kill = async (): Promise<void> => {
    await erl.kill();
    await epmd.kill();
  };
  return { ...erl, epmdPort: epmd.port, kill, [Symbol.asyncDispose]: kill };
}

for (const kind of ["visible", "hidden"]) {
  for (const module of OURS) checksOf(module, kind, `${kind} Erlang`);

  test(`${kind} Erlang: lost connections are closed`, { skip }, async () => {
    const { pid } = (await pairs.get(kind)).examined;
    await poll(() => openSockets(pid) <= socketsAtFirst);
  });
}

// Says nothing about us, so one runtime will do.
if (runtime === "node") {
  for (const module of SHARED_CHECKS) checksOf(module, "Erlang itself", "Erlang itself");
}

function checksOf(module: string, kind: string, title: string): void {
  for (const check of checksIn(`${module}.erl`)) {
    test(`${title}, ${module}: ${titleOf(check)}`, { skip }, async () => {
      await pairs.check(kind, (node) => `checks:run(${module}, ${check}, '${node}')`, "ok");
    });
  }
}

test("nothing is left open", async () => {
  await pairs.close();
  await assertNothingLeft(before);
});
