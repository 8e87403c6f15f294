import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { test } from "node:test";
import { command, run, start } from "../../transport/_run.ts";

test("TCP and UDP need no permission but the network, and such a program ends by itself", async () => {
  const expected = "Deno" in globalThis ? "tcp udp EPERM" : "tcp udp runs";
  const program = new URL("./_bare_program.ts", import.meta.url);
  assertEquals(await run(command(program)), { code: 0, output: expected });
});

const living = new URL("./_living_program.ts", import.meta.url);

test("a server keeps the program alive where it is to, though its node does not", async () => {
  const child = start(command(living));
  await once(child.stdout!, "data");
  child.kill("SIGKILL");
  assertEquals(await once(child, "exit"), [null, "SIGKILL"]);
});

test("else it does not", async () => {
  assertEquals(await run(command(living, ["unref"])), { code: 0, output: "up" });
});
