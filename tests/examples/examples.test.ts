// Runs each example that ends by itself, with the runtime of this test, and looks for what it is to show.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs, selfCommand } from "../_support/runtime.ts";

/** What an example prints last, or what it is for. */
const SHOWS: Readonly<Record<string, string>> = {
  "application.ts": "  [store] stopped\nthe node has stopped, the program ends with 0",
  "cron.ts": "29 Mar 2026, 03:00  report",
  "gen_server.ts": "printed: one, two, three, urgent, four, five",
  "gen_stage.ts": "24 orders were served, by a process each",
  "events.ts": "the event is down: shutdown",
  "pool.ts": "2 workers, 2 refused, 1 restart",
  "simulated_lock.ts": "faults, and every write counts",
  "pub_sub.ts": "4 messages at home, 1 subscriber left",
  "port.ts": "sleep has ended by SIGTERM",
  "saga.ts": "flight in Lima is given back\n  not booked, Error: no car in Lima",
  "raft.ts": "the map has survived its leader",
  "stages.ts": "the loops have ended",
  "start.ts": "monitor: the printer is down",
  "supervision_tree.ts": "the shop has ended with shutdown",
  "tcp_echo.ts": "2 connections in all, 0 left",
  "state_machine.ts": "10 events were told",
  "web_api.ts": "GET /slow: 504",
  "web_socket_chat.ts": "[ann] closed: 1001",
  "workers.ts": "started again on a fresh one: true\n  and it counts 10 primes below 30",
};

/** Examples that other tests run, or that need a peer. */
const ELSEWHERE = ["conformance_node.ts", "ejabberd.ts", "rabbitmq.ts"];

/** Examples that start a program which not every machine has. */
const NEEDS: Readonly<Record<string, string | false>> = { "gen_stage.ts": needs("elixir") };

for (const [file, text] of Object.entries(SHOWS)) {
  test(`examples/${file} runs and ends`, { skip: NEEDS[file] ?? false }, async () => {
    const [program, ...args] = selfCommand(`examples/${file}`);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    let faults = "";
    child.stdout.on("data", (bytes) => printed += bytes);
    child.stderr.on("data", (bytes) => faults += bytes);
    const code = await new Promise((resolve) => child.on("close", resolve));
    assertEquals(code, 0, `${printed}\n${faults}`);
    assertStringIncludes(printed, text);
  });
}

test("every example is run somewhere", () => {
  const files = readdirSync("examples").filter((file) => file.endsWith(".ts"));
  assertEquals(files.filter((file) => !(file in SHOWS) && !ELSEWHERE.includes(file)), []);
});
