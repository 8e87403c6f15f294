import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Burst } from "../../../lib/node/log/burst.ts";
import { FakePlatform } from "../../_support/fake_platform.ts";

test("of a flood of lines 500 a second go through, and how many did not is told", () => {
  const platform = new FakePlatform();
  const lines: string[] = [];
  const burst = new Burst(platform, 500, (line) => void lines.push(`warning ${line}`));
  const log = (line: string): void => void (burst.admit() && lines.push(line));
  for (let i = 0; i < 20_000; i++) log(`error line ${i}`);
  assertEquals(lines.length, 500);
  assertEquals(lines.at(-1), "error line 499");
  assertEquals(platform.pendingTimers, 1);

  platform.advance(1_000);
  assertEquals(lines.slice(500), ["warning 19500 more lines were left out: over 500 in 1000 ms"]);
  assertEquals(platform.pendingTimers, 0);

  log("info as ever");
  assertEquals(lines.slice(501), ["info as ever"]);
  platform.advance(5_000);
  assertEquals(lines.length, 502);
});

test("what was left out is told before the next line where that comes first", () => {
  const platform = new FakePlatform();
  const lines: string[] = [];
  let now = 0;
  const late = { now: () => now, setTimer: platform.setTimer.bind(platform) };
  const burst = new Burst(late, 500, (line) => void lines.push(line));
  const log = (line: string): void => void (burst.admit() && lines.push(line));
  for (let i = 0; i < 501; i++) log(`line ${i}`);
  now = 1_500; // the timer is late
  log("next");
  assertEquals(lines.slice(500), ["1 more lines were left out: over 500 in 1000 ms", "next"]);
  platform.advance(2_000);
  assertEquals(lines.length, 502);
});
