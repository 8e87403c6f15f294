import process from "node:process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { assertRejects } from "@std/assert";
import { assertNothingLeft, openNow, testNothingIsLeft } from "./leaks.ts";

const onLinux = process.platform === "linux" ? false : "only Linux lists what a process has open";

test("a listener left open is seen", { skip: onLinux }, async () => {
  const before = openNow();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  await assertRejects(() => assertNothingLeft(before, 50), Error, "left open");
  server.close();
  await assertNothingLeft(before);
});

test("a child process left running is seen", { skip: onLinux }, async () => {
  const before = openNow();
  const child = spawn("sleep", ["60"]);
  await assertRejects(() => assertNothingLeft(before, 50), Error, "left open");
  child.kill();
  await assertNothingLeft(before);
});

testNothingIsLeft();
