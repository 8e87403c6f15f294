/**
 * A million events through a producer, a stage in another program, and a consumer; or as many as ERGO_STAGE_EVENTS says. None may be
 * lost, none come twice, all in order, and memory must not grow with them.
 */
import { test } from "node:test";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { flow } from "../gen/stage/_two_processes.ts";

const events = Number(process.env.ERGO_STAGE_EVENTS ?? 1_000_000);
/** What a runtime may take before it collects garbage, and more than a tenth of the events would need if they stayed. */
const ROOM = 96 * 1024 * 1024;

test(`${events} events through three stages in two programs`, async () => {
  const { count, wrong, memory, far, seconds } = await flow(events);
  const megabytes = [...memory, ...far].map((bytes) => Math.round(bytes / 1024 / 1024));
  console.log(
    `${Math.round(count / seconds)} events/s; memory in MB, here and there: ${megabytes}`,
  );
  assertEquals([count, wrong], [events, 0]);
  assert(memory[9] - memory[2] < ROOM, "memory grows with the events");
  assert(far[1] - far[0] < ROOM, "memory of the other program grows with the events");
});
