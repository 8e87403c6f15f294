/**
 * The conformance node, driven from Erlang: every check of the .erl files here, by a visible and by a hidden node; some of them also
 * over TLS, where the connection makes the difference, and all of them where a run is about one mode alone.
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
  mustConnect,
  OWN_CHECKS,
  Pairs,
  SHARED_CHECKS,
  startConformance,
  titleOf,
} from "../_support/interop.ts";
import { assertNothingLeft, openNow, openSockets } from "../_support/leaks.ts";
import { type Mode, MODES, onlyMode, theirOptions } from "../_support/modes.ts";
import { needs, runtime } from "../_support/runtime.ts";

const skip = needs("erl", "epmd");
const OURS = [...SHARED_CHECKS, ...OWN_CHECKS];
const ITSELF = "Erlang itself";
/** What a normal run checks in modes other than the two plain ones. */
const SHORT = ["reconnects", "checklist"];

const before = openNow();
/** Of the examined node, connected. */
let socketsAtFirst = 0;
const pairs = new Pairs(async (kind) => {
  const mode = kind === ITSELF ? "visible" : kind as Mode;
  const examined = kind === ITSELF ? await startDemo() : await startConformance({ mode });
  const { epmdPort } = examined;
  const examiner = await startErlang({
    name: "theirs@localhost",
    cookie: COOKIE,
    epmdPort,
    mesh: true,
    ...theirOptions(mode),
  });
  for (const module of ["checks", ...OURS]) await loadErlang(examiner, module);
  await examiner.eval(`checks:published(${mode === "published"})`);
  await mustConnect({ examined, examiner }, `net_adm:ping('${examined.name}')`, "pong");
  // Bun opens its standard output once more when a program first writes to it.
  await examiner.eval(`checks:run(checklist, io_put_chars_test, '${examined.name}')`);
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

for (const mode of onlyMode === null ? MODES : [onlyMode]) {
  const isWhole = onlyMode !== null || mode === "visible" || mode === "hidden";
  for (const module of isWhole ? OURS : SHORT) checksOf(module, mode, `${mode} Erlang`);

  test(`${mode} Erlang: lost connections are closed`, { skip }, async () => {
    const { pid } = (await pairs.get(mode)).examined;
    await poll(() => openSockets(pid) <= socketsAtFirst);
  });
}

// Says nothing about us, so one runtime will do.
if (runtime === "node" && (onlyMode ?? "visible") === "visible") {
  for (const module of SHARED_CHECKS) checksOf(module, ITSELF, ITSELF);
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
