import { test } from "node:test";
import { assertThrows } from "@std/assert";
import { ENTRY } from "../../lib/workers/entry.ts";
import { checkEntry } from "../../lib/workers/workers.ts";

test("a thread does not begin with a program that the library is bundled with", () => {
  checkEntry(ENTRY);
  checkEntry("https://jsr.io/@ergo-ts/ergo/0.1.0/lib/workers/entry.ts");
  checkEntry("file:///app/node_modules/@ergo-ts/ergo/lib/workers/entry.js");
  for (
    const bundle of ["file:///app/dist/main.js", "file:///app/dist/entry.js", "data:text/js,1"]
  ) {
    assertThrows(() => checkEntry(bundle), Error, "external");
  }
});
