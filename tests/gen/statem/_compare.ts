import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { format, type Node, type Term } from "../../../mod.ts";
import { THEIRS } from "../../_support/our_side.ts";
import { runOurs, type Script, scripts, scriptTerm } from "./_model.ts";

/** Runs so many scripts through ours and through gen_statem, and compares all that can be seen of them. */
export async function compareStatems(node: Node, runs: number, seed?: number): Promise<void> {
  const same = async (script: Script): Promise<void> => {
    const args = [scriptTerm(script) as Term];
    const theirs = await node.rpc(THEIRS, "statem_model", "run", args, { timeout: 60_000 });
    assertEquals(await runOurs(node, script), format(theirs));
  };
  const options = { numRuns: runs, ...seed === undefined ? {} : { seed } };
  await fc.assert(fc.asyncProperty(scripts, same), options);
}
