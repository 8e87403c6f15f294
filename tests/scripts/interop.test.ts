import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { selfCommand } from "../_support/runtime.ts";

/** What a script says, and how it ends. */
function script(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): { readonly status: number | null; readonly output: string } {
  const path = fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
  const [program, ...rest] = selfCommand(path, ...args);
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, output: stdout + stderr };
}

test("the matrix knows its releases, runtimes and modes", () => {
  for (
    const [args, message] of [
      [["--otp", "24"], /Cannot run OTP 24: there are 25, 27, 29/],
      [["--runtime", "deno,perl"], /Cannot run runtime perl: there are deno, bun, node/],
      [
        ["--mode", "loud"],
        /Cannot run mode loud: there are visible, hidden, published, tls, mutual/,
      ],
    ] as const
  ) {
    const { status, output } = script("interop.mjs", args);
    assertEquals(status, 1);
    assertMatch(output, message);
  }
});

test("a row that cannot be had is skipped with the reason, and fails where skips are not allowed", () => {
  // No PATH: neither debootstrap nor anything else is found, and where this is not root, that is the reason.
  const args = [
    "--otp",
    "27",
    "--runtime",
    "node",
    "--mode",
    "tls",
    "--folder",
    "/nowhere/to/be/found",
  ];
  const env = { PATH: "/nowhere", ERGO_ALLOW_SKIP: "" };
  const { status, output } = script("interop.mjs", args, env);
  assertEquals(status, 0, output);
  assertMatch(output, /Cannot use OTP 27 of Debian trixie: \S+/);
  assertMatch(output, /27 +node +skipped/);
  assertEquals(script("interop.mjs", args, { ...env, ERGO_ALLOW_SKIP: "0" }).status, 1);
});

test("a release that there is no recipe for", () => {
  const { status, output } = script("otp_chroots.mjs", ["26"]);
  assertEquals(status, 1);
  assertMatch(output, /Cannot make OTP 26: there are recipes for 27,29/);
});
