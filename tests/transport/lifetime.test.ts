import { assert, assertEquals } from "@std/assert";
import { once } from "node:events";
import { test } from "node:test";
import { defaultTransport } from "../../lib/transport/default.ts";
import { Probe, turns } from "./_probe.ts";
import { command, run, start } from "./_run.ts";
import { kinds } from "./_transports.ts";

const exits = new URL("./_exit_program.ts", import.meta.url);
const serves = new URL("./_serving_program.ts", import.meta.url);

for (const kind of kinds) {
  for (const way of ["ended", "destroyed", "unref"]) {
    test(`${kind.name}: a program whose streams are ${way} comes to its end`, async () => {
      assertEquals(await run(command(exits, [kind.name, way])), { code: 0, output: "done" });
    });
  }
}

for (const kind of kinds.filter(({ name }) => name !== "memory")) {
  test(`${kind.name}: a program lives for its listener`, async () => {
    const child = start(command(exits, [kind.name, "listener"]));
    await once(child.stdout!, "data");
    child.kill("SIGKILL");
    const [code, signal] = await once(child, "exit");
    assertEquals([code, signal], [null, "SIGKILL"]);
  });
}

test("a listener survives a time without free file descriptors", async () => {
  const child = start(["/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh", ...command(serves)]);
  const [line] = await once(child.stdout!, "data");
  const port = Number(String(line));
  const transport = await defaultTransport();
  async function client(): Promise<Probe> {
    return new Probe(await transport.connect({ host: "127.0.0.1", port })).start();
  }
  const clients = await Promise.all(Array.from({ length: 150 }, client));
  // It has descriptors for some of them. The others wait, or are turned away.
  const greeted = (): number => clients.filter((probe) => probe.text === "hello").length;
  while (greeted() < 20) await turns(1);
  for (let last = 0; last < greeted(); await turns(200)) last = greeted();
  assert(greeted() < 64, `${greeted()} connections with 64 file descriptors`);
  for (const probe of clients) probe.destroy();
  await Promise.all(clients.map((probe) => probe.untilClosed()));
  for (;;) {
    const probe = await client();
    await probe.until(() => probe.text === "hello" || probe.ended || probe.closed);
    probe.destroy();
    if (probe.text === "hello") break;
  }
  child.kill("SIGKILL");
  await once(child, "exit");
});
