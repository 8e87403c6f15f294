import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ErlangNode, startEpmd, startErlang } from "../../_support/erlang.ts";
import { aScript, runOurs, type Script, scriptText } from "./_model.ts";

/** Runs random scripts with both supervisors, and fails with the smallest one that makes a difference. */
export async function compareScripts(numRuns: number, seed?: number): Promise<void> {
  await using epmd = await startEpmd();
  await using erl = await startErlang({
    name: "otp@localhost",
    cookie: "model",
    epmdPort: epmd.port,
    args: ["+S", "1:1"], // things happen in one order there, as they do here
  });
  const file = JSON.stringify(fileURLToPath(new URL("model.erl", import.meta.url)));
  await erl.eval(`begin
    {ok, model, Code} = compile:file(${file}, [binary, return_errors]),
    code:load_binary(model, ${file}, Code)
  end`);
  await fc.assert(
    fc.asyncProperty(aScript, async (script) => {
      const [ours, theirs] = [await runOurs(script), await runTheirs(erl, script)];
      assertEquals(ours, theirs, scriptText(script));
    }),
    { numRuns, ...(seed === undefined ? {} : { seed }) },
  );
}

async function runTheirs(erl: ErlangNode, script: Script): Promise<string[]> {
  const text = await erl.eval(
    `[lists:flatten(io_lib:format("~0p", [S])) || S <- model:run(${scriptText(script)})]`,
  );
  return JSON.parse(text) as string[];
}
