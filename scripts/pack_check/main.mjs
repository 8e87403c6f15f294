// Packs the package as npm gets it, installs the tarball in a folder elsewhere, compiles smoke.ts
// against it with tsc, and runs the result in every runtime at hand, as ESM and as CommonJS.
// A file name as argument keeps the tarball there, once all that went well.
// Fails as well when a file of lib/ went into the tarball uncompiled: mod.ts does not reach it.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { command, nodesOnPath, npm, root } from "../runtimes/runtimes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ergo-pack-"));
const tarball = join(folder, "package.tgz");

function run([file, ...args], cwd = folder) {
  const options = { cwd, encoding: "utf8", timeout: 120_000, stdio: ["ignore", "pipe", "pipe"] };
  try {
    return execFileSync(file, args, options);
  } catch (error) {
    throw new Error(
      `Cannot pass the pack check: ${args.join(" ")}\n${error.stdout}${error.stderr}`,
    );
  }
}

function json(name, value) {
  writeFileSync(join(folder, name), JSON.stringify(value));
}

function pack() {
  const flags = ["--quiet", "--allow-dirty", "--no-source-maps", `--output=${tarball}`];
  run([...command("deno"), "pack", ...flags], root);
}

function install() {
  json("package.json", { name: "consumer", private: true, type: "module" });
  run([npm(), "install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", tarball]);
  const files = readdirSync(join(folder, "node_modules", "@ergo-ts", "ergo"), { recursive: true });
  const sources = files.filter((name) => /(?<!\.d)\.ts$/.test(name));
  if (sources.length > 0) {
    throw new Error(`Cannot pass the pack check: mod.ts does not reach ${sources.join(", ")}`);
  }
}

function compile() {
  for (const extension of ["mts", "cts"]) {
    copyFileSync(join(here, "smoke.ts"), join(folder, `smoke.${extension}`));
  }
  copyFileSync(join(here, "smoke_worker.ts"), join(folder, "smoke_worker.mts"));
  // The types must stand without those of any runtime: only what all of them have, from "dom".
  writeFileSync(
    join(folder, "runtime.d.ts"),
    "declare const process: { argv: string[]; cwd(): string; exit(code: number): never };",
  );
  const compilerOptions = {
    target: "es2022",
    lib: ["es2024", "esnext.disposable", "dom"],
    module: "nodenext",
    types: [],
    strict: true,
    noImplicitOverride: true,
    skipLibCheck: false,
  };
  const files = ["runtime.d.ts", "smoke.mts", "smoke_worker.mts", "smoke.cts"];
  json("tsconfig.json", { compilerOptions, files });
  run([...command("tsc"), "-p", "."]);
}

function runtimes() {
  const older = nodesOnPath().find((node) => node.major >= 20 && node.major < 24);
  if (older === undefined) console.log("pack: no Node 20 or 22 on PATH, not tried there");
  return {
    ...(older && { [`node ${older.major}`]: [older.path] }),
    "node 24": command("node"),
    bun: command("bun"),
    deno: [...command("deno"), "run", "--allow-net"],
  };
}

try {
  pack();
  install();
  compile();
  console.log("pack: packed, installed, compiled");
  for (const [name, start] of Object.entries(runtimes())) {
    for (const file of ["smoke.mjs", "smoke.cjs"]) {
      if (name === "deno") {
        run([...start, file, "--no-worker"]); // with --allow-net alone
        run([...start, "--allow-read", file]);
      } else run([...start, file]);
      console.log(`pack: ${name} runs ${file}`);
    }
  }
  const [, , kept] = process.argv;
  if (kept !== undefined) {
    copyFileSync(tarball, resolve(kept));
    console.log(`pack: kept as ${resolve(kept)}`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
