// Our codec: `codec.ts encode "100 pids"`, `codec.ts decode gen_call`.
// `codec.ts encode "document of strings"` begins at the objects of JavaScript, and decode ends there.
// `codec.ts write FOLDER` writes the corpus for the others: NAME.etf each, and the document as document.json.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "../../mod.ts";
import { codecWork, CORPUS, documentWork, people } from "../codec.ts";
import { report, task } from "./_report.ts";

const it = task();
const [way, name] = it.names;
if (way === "write") {
  mkdirSync(name, { recursive: true });
  for (const [title, make] of Object.entries(CORPUS)) {
    writeFileSync(join(name, `${title}.etf`), encode(make()));
  }
  writeFileSync(join(name, "document.json"), JSON.stringify(people()));
} else if (way === "encode" || way === "decode") {
  await report(it, name === "document of strings" ? documentWork(way) : codecWork(way, name));
} else {
  throw new Error(`Cannot measure ${way}: there are encode, decode, write`);
}
