/**
 * Builds the npm package into `npm/` for a release: ES modules, CommonJS and types. Needs JSR.
 *
 *     deno run -A scripts/build_npm.ts
 */

import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** The slice of dnt that is used here. */
interface Dnt {
  build(options: Record<string, unknown>): Promise<void>;
}

// dnt is only on JSR. The specifier is no literal, so that this file is checked without it.
const specifier: string = "jsr:@deno/dnt@^0.42.0";
const { build }: Dnt = await import(specifier);

const root = dirname(import.meta.dirname!);
const outDir = join(root, "npm");
const { name, version, license } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));

rmSync(outDir, { recursive: true, force: true });
await build({
  entryPoints: [join(root, "mod.ts")],
  outDir,
  shims: {},
  test: false, // dnt only runs Deno.test; the pack check tries the package
  typeCheck: "both",
  scriptModule: "cjs",
  compilerOptions: { target: "ES2022", lib: ["ES2024", "ESNext.Disposable", "DOM"] },
  package: {
    name,
    version,
    license,
    description: "The Ergo Framework for TypeScript: OTP and the Erlang distribution protocol",
    engines: { node: ">=20" },
    sideEffects: false,
  },
});
for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) {
  copyFileSync(join(root, file), join(outDir, file));
}
