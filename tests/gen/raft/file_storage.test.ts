// What a crash and a broken disk may leave, and what is made of it.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fileStorage } from "../../../lib/gen/raft/file_storage.ts";
import type { RaftStorage } from "../../../lib/gen/raft/storage.ts";
import { defaultPlatform } from "../../../lib/platform/default.ts";
import type { Files } from "../../../lib/platform/files.ts";
import { clusterTest } from "../../node/_cluster.ts";
import { testNothingIsLeft } from "../../_support/leaks.ts";
import { Bank, QUICK } from "./_bank.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "raft-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Opened {
  readonly storage: RaftStorage;
  readonly records: readonly string[];
  readonly warnings: readonly string[];
}

async function open(folder: string, files?: Files): Promise<Opened> {
  const platform = await defaultPlatform();
  const storage = fileStorage(folder);
  const warnings: string[] = [];
  const records = await storage.open({
    files: () => files === undefined ? platform.files() : Promise.resolve(files),
    warn: (text) => void warnings.push(text),
  });
  return { storage, records: records.map((one) => new TextDecoder().decode(one)), warnings };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("records are there again, in their order, until one takes their place", () =>
  inFolder(async (folder) => {
    const inner = `${folder}/made/here`;
    const { storage, records } = await open(inner);
    assertEquals(records, []);
    await storage.append(bytes("one"));
    await storage.append(bytes(""));
    await storage.append(bytes("three".repeat(1000)));
    assertEquals((await open(inner)).records, ["one", "", "three".repeat(1000)]);
    await storage.replace(bytes("all"));
    await storage.append(bytes("more"));
    assertEquals((await open(inner)).records, ["all", "more"]);
    assertEquals(await readdir(inner), ["raft.log"]);
  }));

test("whatever is cut off at the end, all before it is there, and it goes on", () =>
  inFolder(async (folder) => {
    const { storage } = await open(folder);
    for (const text of ["one", "two", "three"]) await storage.append(bytes(text));
    const path = `${folder}/raft.log`;
    const whole = new Uint8Array(await readFile(path));
    const ends = [19, 38, 59];
    assertEquals(whole.length, 59);
    for (let length = 0; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      const again = await open(folder);
      const left = ["one", "two", "three"].filter((_, i) => ends[i] <= length);
      assertEquals(again.records, left, `${length} bytes`);
      assertEquals(again.warnings.length, length === 0 || ends.includes(length) ? 0 : 1);
      await again.storage.append(bytes("next"));
      assertEquals((await open(folder)).records, [...left, "next"]);
    }
    // The file has got longer, and its content has not come.
    for (const zeros of [1, 15, 16, 100]) {
      const longer = new Uint8Array(whole.length + zeros);
      longer.set(whole);
      await writeFile(path, longer);
      assertEquals((await open(folder)).records, ["one", "two", "three"]);
      assertEquals(await readFile(path).then(({ length }) => length), whole.length);
    }
  }));

test("a bit that has flipped before the last record is no log any more", () =>
  inFolder(async (folder) => {
    const { storage } = await open(folder);
    for (const text of ["one", "two", "three"]) await storage.append(bytes(text));
    const path = `${folder}/raft.log`;
    const whole = new Uint8Array(await readFile(path));
    for (let at = 0; at < 38; at++) {
      const broken = whole.slice();
      broken[at] ^= 1 << (at % 8);
      await writeFile(path, broken);
      const first = at < 19 ? 0 : 19;
      await assertRejects(() => open(folder), Error, `it is damaged at byte ${first}`);
      assertEquals(new Uint8Array(await readFile(path)), broken); // nobody has touched it
    }
    // In the last one it cannot be told from a crash: nothing wrong is given.
    for (let at = 38; at < whole.length; at++) {
      const broken = whole.slice();
      broken[at] ^= 1 << (at % 8);
      await writeFile(path, broken);
      assertEquals((await open(folder)).records, ["one", "two"], `byte ${at}`);
    }
  }));

test("a crash while the log is written anew leaves the old one", () =>
  inFolder(async (folder) => {
    const { storage } = await open(folder);
    await storage.append(bytes("old"));
    await writeFile(`${folder}/raft.log.new`, "half of");
    assertEquals((await open(folder)).records, ["old"]);
    assertEquals(await readdir(folder), ["raft.log"]);
  }));

test("what it is made with", () => {
  assertThrows(() => fileStorage("" as never), TypeError, "the name of a folder");
  assertThrows(() => fileStorage(7 as never), TypeError, "the name of a folder");
});

/** Files on which a write fails at some time, as on a full disk: a part of it is written. */
function full(files: Files, when: () => boolean): Files {
  return {
    ...files,
    append: async (path, record) => {
      if (!when()) return await files.append(path, record);
      await files.append(path, record.subarray(0, record.length >> 1));
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    },
  };
}

clusterTest(
  "a member whose disk is full ends and says so, and goes on when there is room",
  async (a) => {
    await inFolder(async (folder) => {
      let isFull = false;
      const platform = await defaultPlatform();
      const files = full(await platform.files(), () => isFull);
      const storage = (): RaftStorage => {
        const inner = fileStorage(folder);
        return {
          open: (context) => inner.open({ ...context, files: () => Promise.resolve(files) }),
          append: (record) => inner.append(record),
          replace: (record) => inner.replace(record),
        };
      };
      const options = (): object => ({ members: [a.name], ...QUICK, storage: storage() });
      const first = await a.start(Bank, [options() as never], { register: "bank" });
      assertEquals(await first.append("deposit", "ann", 1), 1);
      const down = new Promise<string>((resolve) => {
        first.monitor(({ reason }) => resolve(String(reason)));
      });
      isFull = true;
      const lost = first.with({ timeout: 300 }).append("deposit", "ann", 1);
      const error = await assertRejects(() => lost, Error);
      assertEquals((error as { mayHaveHappened?: boolean }).mayHaveHappened, true);
      assert((await down).includes("no space left"));
      isFull = false;
      const again = await a.start(Bank, [options() as never], { register: "bank" });
      assertEquals(await again.read("balance", "ann"), 1);
      assertEquals(await again.append("deposit", "ann", 1), 2);
      await again.stop();
      const other = { members: [a.name], ...QUICK, storage: fileStorage(folder) };
      const third = await a.start(Bank, [other], { register: "other" });
      assertEquals(await third.read("balance", "ann"), 2);
    });
  },
);

clusterTest("a storage belongs to one member", async (a, b) => {
  await inFolder(async (folder) => {
    const options = (name: string): object => ({
      members: [name],
      ...QUICK,
      storage: fileStorage(folder),
    });
    const first = await a.start(Bank, [options(a.name) as never], { register: "bank" });
    await first.append("deposit", "ann", 1);
    await first.stop();
    const start = (): Promise<unknown> =>
      b.start(Bank, [options(b.name) as never], { register: "bank" });
    await assertRejects(start, Error, "its storage is that of a@localhost");
    await writeFile(`${folder}/raft.log`, "");
  });
});

testNothingIsLeft();
