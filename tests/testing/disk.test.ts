import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Files, simulate, type Simulation } from "../../mod.ts";
import { testNothingIsLeft } from "../_support/leaks.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | null): string | null =>
  content === null ? null : new TextDecoder().decode(content).replaceAll("\0", "0");

/** What is left of a disk when a node crashes after `write`, with each of many seeds. */
async function leftovers(
  write: (files: Files) => Promise<unknown>,
  storage: "keep" | "written" | "lose",
  path = "log/1",
): Promise<(string | null)[]> {
  const left: (string | null)[] = [];
  for (let seed = 1; seed <= 40; seed++) {
    left.push(
      (await simulate({ seed, twice: false }, async (sim) => {
        const node = await sim.startNode("a@sim");
        await write(await node._core.platform.files());
        sim.crash("a@sim", { storage });
        return text(sim.disk("a@sim").peek(path));
      })).value,
    );
  }
  return left;
}

async function logged(files: Files): Promise<void> {
  await files.append("log/1", bytes("one"));
  await files.sync("log/1");
  await files.append("log/1", bytes("two"));
}

test("what was synced survives a crash; the rest is lost, torn or there", async () => {
  const left = new Set(await leftovers(logged, "keep"));
  assert([...left].every((content) => content?.startsWith("one")));
  for (const content of ["one", "onetwo", "onet", "onetw0"]) assert(left.has(content), content);
});

test("all that was written survives where only the program is killed, and nothing where the disk is lost", async () => {
  assertEquals(new Set(await leftovers(logged, "written")), new Set(["onetwo"]));
  assertEquals(new Set(await leftovers(logged, "lose")), new Set([null]));
});

test("a file that is not synced may not even be there, nor be renamed", async () => {
  const left = new Set(await leftovers((files) => files.append("log/1", bytes("one")), "keep"));
  for (const content of [null, "", "one"]) assert(left.has(content), String(content));
  const renamed = async (files: Files): Promise<void> => {
    await files.write("log/1", bytes("old"));
    await files.sync("log/1");
    await files.write("log/2", bytes("new"));
    await files.sync("log/2");
    await files.rename("log/2", "log/1");
  };
  assertEquals(new Set(await leftovers(renamed, "keep")), new Set(["old", "new"]));
  const safe = async (files: Files): Promise<void> => {
    await renamed(files);
    await files.sync("log/1");
  };
  assertEquals(new Set(await leftovers(safe, "keep")), new Set(["new"]));
});

test("a removed file may be there again", async () => {
  const left = new Set(
    await leftovers(async (files) => {
      await logged(files);
      await files.sync("log/1");
      await files.remove("log/1");
    }, "keep"),
  );
  assertEquals(left, new Set([null, "onetwo"]));
});

test("a sync that was not over when the node crashed promises nothing", async () => {
  const left = new Set(
    await leftovers(async (files) => {
      await files.append("log/1", bytes("one"));
      void files.sync("log/1");
    }, "keep"),
  );
  assert(left.size > 1);
});

test("a disk does what files do", async () => {
  await simulate({ seed: 1 }, async (sim: Simulation) => {
    const { files, ...disk } = sim.disk("a@sim");
    assertEquals(await files.read("x"), null);
    await files.makeFolder("data/log");
    await files.write("data/log/b", bytes("12345"));
    await files.append("data/log/a", bytes("1"));
    await files.write("data/other", bytes("1"));
    assertEquals(await files.list("data/log"), ["a", "b"]);
    assertEquals(await files.list("data"), ["other"]);
    assertEquals(await files.list("none"), []);
    await files.truncate("data/log/b", 2);
    await files.truncate("data/log/b", 4);
    assertEquals(text(await files.read("./data/log/b")), "12");
    await files.rename("data/log/b", "data/log/a");
    assertEquals(text(disk.peek("data/log/a")), "12");
    disk.poke("data/log/a", bytes("lie"));
    assertEquals(text(await files.read("data/log/a")), "lie");
    await files.remove("none");
    await files.remove("data/log/a");
    assertEquals(sim.disk("a@sim").paths, ["data/other"]);
    await assertRejects(() => files.sync("none"), Error, "there is no such file");
    await assertRejects(() => files.rename("none", "x"), Error, "there is no such file");
  });
});

test("a disk takes its time, and stops in the middle when the node crashes", async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const node = await sim.startNode("a@sim");
    const files = await node._core.platform.files();
    const before = sim.now;
    await files.append("a", bytes("1"));
    assert(sim.now > before);
    let went = false;
    const writing = sim.whileUp(node, files.append("a", bytes("2")).then(() => went = true));
    sim.crash(node);
    await assertRejects(() => writing, Error, "has stopped");
    await sim.sleep(1_000);
    assert(!went);
  });
});

testNothingIsLeft();
