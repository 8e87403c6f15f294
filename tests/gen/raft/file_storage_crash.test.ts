// What was acknowledged is there after a crash of the machine, at whatever moment: on a disk in memory that forgets what was not synced.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fileStorage } from "../../../lib/gen/raft/file_storage.ts";
import { filesOf, VirtualDisk } from "../../../lib/testing/_disk.ts";
import { SeededRandom } from "../../../lib/testing/random.ts";

/** What a member writes: a record behind the others, or, with a snapshot, one in the place of all. */
const WRITES: readonly (readonly ["append" | "replace", string])[] = [
  ...[["append", "one"], ["append", "two"], ["replace", "all of it"]] as const,
  ...[["append", "three"], ["replace", "all again"], ["append", "four"]] as const,
];

/** What is to be read when so many of them are done. */
function after(writes: number): string[] {
  let records: string[] = [];
  for (const [what, text] of WRITES.slice(0, writes)) {
    records = what === "append" ? [...records, text] : [text];
  }
  return records;
}

/** The program ends at that operation of the disk. @returns how many writes it was told to be done, and whether it got to the end. */
async function live(disk: VirtualDisk, end: number): Promise<{ done: number; ended: boolean }> {
  let operations = 0;
  const files = filesOf(disk, () => ++operations > end ? Promise.reject(DEAD) : Promise.resolve());
  const storage = fileStorage("data");
  let done = 0;
  try {
    await storage.open({ files: () => Promise.resolve(files), warn: () => {} });
    for (const [what, text] of WRITES) {
      await storage[what](new TextEncoder().encode(text));
      done++;
    }
    return { done, ended: false };
  } catch (error) {
    if (error !== DEAD) throw error;
    return { done, ended: true };
  }
}

const DEAD = new Error("the machine is off");

async function read(disk: VirtualDisk): Promise<string[]> {
  const files = filesOf(disk, () => Promise.resolve());
  const context = { files: () => Promise.resolve(files), warn: () => {} };
  const records = await fileStorage("data").open(context);
  return records.map((one) => new TextDecoder().decode(one));
}

test("a crash at any moment leaves all that was acknowledged, and at most the one more that was under way", async () => {
  const seen = new Set<string>();
  let moments = 0;
  for (let seed = 1; seed <= 20; seed++) {
    for (let end = 0;; end++) {
      const random = new SeededRandom(`${seed} ${end}`);
      const disk = new VirtualDisk();
      const { done, ended } = await live(disk, end);
      disk.crash("keep", random);
      const records = await read(disk);
      const [least, most] = [after(done), after(done + 1)];
      const text = records.join();
      assert(text === least.join() || text === most.join(), `${text} after ${done}, seed ${seed}`);
      // And what was read stays: others may be told of it.
      disk.crash("keep", random);
      assertEquals(await read(disk), records);
      seen.add(text);
      if (!ended) break;
      moments++;
    }
  }
  assertEquals(seen.size, WRITES.length + 1);
  assert(moments > 20 * WRITES.length, `${moments} moments`);
});

test("what a program that was killed has written is safe when it has been read", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(String(seed));
    for (let end = 0;; end++) {
      const disk = new VirtualDisk();
      const { ended } = await live(disk, end);
      disk.crash("written", random); // only the program
      const records = await read(disk);
      disk.crash("keep", random);
      assertEquals(await read(disk), records);
      if (!ended) break;
    }
  }
});
