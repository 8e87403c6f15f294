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

const opened: Map<string, RaftStorage> = new Map();

/** Opens it as after a crash: whoever had it is gone. */
async function open(folder: string, files?: Files): Promise<Opened> {
  const platform = await defaultPlatform();
  await opened.get(folder)?.close?.();
  const storage = fileStorage(folder);
  opened.set(folder, storage);
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
    const again = await open(inner);
    assertEquals(again.records, ["one", "", "three".repeat(1000)]);
    await again.storage.replace(bytes("all"));
    await again.storage.append(bytes("more"));
    // Whoever had it before cannot write any more.
    await assertRejects(async () => await storage.append(bytes("late")), Error, "is not open");
    assertEquals((await open(inner)).records, ["all", "more"]);
    assertEquals(await readdir(inner), ["raft.log"]);
  }));

test("whatever is cut off at the end, all before it is there, and it goes on", () =>
  inFolder(async (folder) => {
    const { storage } = await open(folder);
    for (const text of ["one", "two", "three"]) await storage.append(bytes(text));
    const path = `${folder}/raft.log`;
    const whole = new Uint8Array(await readFile(path));
    const ends = [16, 35, 54, 75];
    assertEquals(whole.length, 75);
    for (let length = 16; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      const again = await open(folder);
      const left = ["one", "two", "three"].filter((_, i) => ends[i + 1] <= length);
      assertEquals(again.records, left, `${length} bytes`);
      assertEquals(again.warnings.length, ends.includes(length) ? 0 : 1);
      // Whether somebody was told is not known.
      for (const text of again.warnings) assert(text.includes("if there was none"), text);
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
    for (let at = 0; at < 54; at++) {
      const broken = whole.slice();
      broken[at] ^= 1 << (at % 8);
      await writeFile(path, broken);
      const first = at < 16 ? 0 : at < 35 ? 16 : 35;
      await assertRejects(() => open(folder), Error, `is damaged at byte ${first}`);
      assertEquals(new Uint8Array(await readFile(path)), broken); // nobody has touched it
    }
    // In the last one it cannot be told from a crash: nothing wrong is given.
    for (let at = 54; at < whole.length; at++) {
      const broken = whole.slice();
      broken[at] ^= 1 << (at % 8);
      await writeFile(path, broken);
      assertEquals((await open(folder)).records, ["one", "two"], `byte ${at}`);
    }
  }));

test("no bit of a snapshot may flip, nor may any of it be cut off: it was put in place at once", () =>
  inFolder(async (folder) => {
    const { storage } = await open(folder);
    await storage.append(bytes("one"));
    await storage.replace(bytes("all"));
    const path = `${folder}/raft.log`;
    const whole = new Uint8Array(await readFile(path));
    assertEquals(whole.length, 35);
    for (let at = 0; at < whole.length; at++) {
      const broken = whole.slice();
      broken[at] ^= 1 << (at % 8);
      for (const left of [broken, whole.slice(0, at)]) {
        await writeFile(path, left);
        await assertRejects(() => open(folder), Error, "is damaged at byte");
        assertEquals(new Uint8Array(await readFile(path)), left); // nobody has touched it
      }
    }
    // What comes behind it may be.
    await writeFile(path, new Uint8Array([...whole, 1, 2, 3]));
    assertEquals((await open(folder)).records, ["all"]);
  }));

test("a file of somebody else is left alone", () =>
  inFolder(async (folder) => {
    const text = "not a log at all, but somebody's data ".repeat(20);
    await writeFile(`${folder}/raft.log`, text);
    await assertRejects(() => open(folder), Error, "it is no log of a Raft");
    assertEquals(await readFile(`${folder}/raft.log`, "utf8"), text);
  }));

test("one at a time has a folder; the next one waits until all is written", () =>
  inFolder(async (folder) => {
    const { storage } = await open(folder);
    const platform = await defaultPlatform();
    const context = { files: () => platform.files(), warn: () => {} };
    for (const name of [folder, `${folder}/`, folder.replaceAll("/", "//./")]) {
      const other = fileStorage(name);
      await assertRejects(async () => await other.open(context), Error, "has it open");
      await other.close?.(); // frees nobody else's
    }
    const written = storage.append(bytes("one"));
    await storage.close?.();
    const next = fileStorage(folder);
    assertEquals((await next.open(context)).length, 1);
    await written;
    await next.close?.();
    // Who could not open it does not have it.
    await writeFile(`${folder}/raft.log`, "broken");
    const failing = fileStorage(folder);
    await assertRejects(async () => await failing.open(context), Error, "no log of a Raft");
    await assertRejects(async () => await failing.open(context), Error, "no log of a Raft");
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
          close: () => inner.close?.(),
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
    // Nobody has it who could not start.
    const again = await a.start(Bank, [options(a.name) as never], { register: "bank" });
    assertEquals(await again.read("balance", "ann"), 1);
    const second = (): Promise<unknown> =>
      a.start(Bank, [options(a.name) as never], { register: "other" });
    await assertRejects(second, Error, "another member of this program has it open");
    assertEquals(await again.append("deposit", "ann", 1), 2);
  });
});

testNothingIsLeft();
