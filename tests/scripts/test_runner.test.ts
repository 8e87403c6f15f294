import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { judge, readReport } from "../../scripts/test.mjs";

const nothingElse = { code: 0, timedOut: false, uncaught: 0, leftBehind: false };
const figures = { passed: 3, failed: 0, skipped: 0 };

test("Deno's and Bun's reports give their figures", () => {
  const deno = `<testsuites name="deno test" tests="9" failures="1" errors="1" time="0.077">
    <testsuite name="./a.test.ts" tests="9" disabled="2" errors="0" failures="0">
      <testcase name="&lt;skipped/&gt;"></testcase>
      <testcase name="b"><skipped/></testcase><testcase name="c"><skipped/></testcase>
    </testsuite>
  </testsuites>`;
  assertEquals(readReport("deno", deno), { passed: 5, failed: 2, skipped: 2 });
  const bun = `<testsuites name="bun test" tests="8" assertions="0" failures="1" skipped="1">
    <testsuite name="a.test.ts" tests="8"><testcase name="b"><skipped /></testcase></testsuite>
  </testsuites>\n`;
  assertEquals(readReport("bun", bun), { passed: 6, failed: 1, skipped: 1 });
});

test("Node's report gives its totals", () => {
  const totals = { pass: 7, fail: 1, cancelled: 2, skipped: 3, todo: 1 };
  const lines = Object.entries(totals).map(([name, count]) => `<!-- ${name} ${count} -->`);
  const node = `<testsuites>\n${lines.join("\n")}\n</testsuites>`;
  assertEquals(readReport("node", node), { passed: 7, failed: 3, skipped: 4 });
});

test("half a report is none", () => {
  assertEquals(readReport("deno", ""), undefined);
  assertEquals(readReport("deno", '<testsuites tests="8" failures="0"><testsuite>'), undefined);
  assertEquals(readReport("node", "<testsuites>\n<!-- pass 7 -->\n"), undefined);
});

test("a run that nothing speaks against counts for its figures", () => {
  assertEquals(judge(figures, nothingElse), { ...figures, problems: [] });
  const failed = { passed: 3, failed: 2, skipped: 0 };
  assertEquals(judge(failed, { ...nothingElse, code: 1 }), { ...failed, problems: [] });
});

test("what speaks against a run is one failure each", () => {
  const failures = (report: typeof figures | undefined, run: Partial<typeof nothingElse>): number =>
    judge(report, { ...nothingElse, ...run }).failed;
  assertEquals(failures(undefined, {}), 1, "no report");
  assertEquals(failures({ passed: 0, failed: 0, skipped: 0 }, {}), 1, "no test");
  assertEquals(failures(figures, { code: 1 }), 1, "the exit code contradicts the report");
  assertEquals(failures(figures, { leftBehind: true }), 1, "a process left behind");
  assertEquals(failures(figures, { code: 1, uncaught: 2 }), 1, "uncaught errors");
  assertEquals(failures(undefined, { timedOut: true }), 1, "no end");
});
