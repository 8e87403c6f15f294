import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { defaultPlatform } from "../../lib/platform/default.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

test("files are written, synced, cut, renamed, listed and removed", async () => {
  const files = await (await defaultPlatform()).files();
  const folder = await mkdtemp(join(tmpdir(), "ergo-files-"));
  const at = (name: string): string => join(folder, "a", "b", name);
  try {
    await files.makeFolder(join(folder, "a", "b"));
    await files.makeFolder(join(folder, "a", "b"));
    assertEquals(await files.read(at("log")), null);
    await files.append(at("log"), new Uint8Array([1, 2]));
    await files.append(at("log"), new Uint8Array([3]));
    await files.sync(at("log"));
    assertEquals(await files.read(at("log")), new Uint8Array([1, 2, 3]));
    await files.truncate(at("log"), 2);
    await files.truncate(at("log"), 5);
    await files.truncate(at("none"), 5);
    assertEquals(await files.read(at("log")), new Uint8Array([1, 2]));
    await files.write(at("new"), new Uint8Array([9]));
    await files.rename(at("new"), at("log"));
    await files.write(at("c"), new Uint8Array(0));
    await files.makeFolder(at("folder"));
    assertEquals(await files.list(join(folder, "a", "b")), ["c", "log"]);
    assertEquals(await files.list(at("none")), []);
    assertEquals(await files.read(at("log")), new Uint8Array([9]));
    await files.remove(at("log"));
    await files.remove(at("log"));
    assertEquals(await files.read(at("log")), null);
    await assertRejects(() => files.sync(at("log")), Error, "ENOENT");
    await assertRejects(() => files.append(join(folder, "none", "x"), new Uint8Array(1)), Error);
  } finally {
    await rm(folder, { recursive: true });
  }
});

testNothingIsLeft();
