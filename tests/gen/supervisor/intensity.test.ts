import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Intensity } from "../../../lib/gen/supervisor/_intensity.ts";

/** OTP's add_restart, by its words: all restarts of the period are kept, and counted. */
class Plain {
  restarts: number[] = [];
  readonly intensity: number;
  readonly period: number;

  constructor(intensity: number, period: number) {
    this.intensity = intensity;
    this.period = period;
  }

  allows(now: number): boolean {
    this.restarts = [now, ...this.restarts.filter((at) => at >= now - this.period)];
    return this.restarts.length <= this.intensity;
  }
}

test("restarts are counted as OTP counts them", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 12 }),
      steps,
      (intensity, period, gaps) => {
        const [ours, theirs] = [new Intensity(intensity, period), new Plain(intensity, period)];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          const allowed = ours.allows(now);
          assertEquals(allowed, theirs.allows(now));
          assertEquals(ours.count, theirs.restarts.length);
          if (!allowed) break; // a supervisor that has too many ends
        }
      },
    ),
    { seed: 1828 },
  );
});

test("one that is exactly a period old counts, one that is older does not", () => {
  const at = new Intensity(1, 5_000);
  assertEquals([at.allows(0), at.allows(5_001), at.allows(10_001)], [true, true, false]);
});

test("an intensity of 0 allows none, Infinity any number and keeps none", () => {
  assertEquals(new Intensity(0, 5_000).allows(1), false);
  const any = new Intensity(Infinity, 5_000);
  for (let i = 0; i < 1_000; i++) any.allows(i);
  assertEquals([any.allows(1_000), any.count], [true, 0]);
});
