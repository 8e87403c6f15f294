// Finds the runtimes and tools that the repository's commands need, and installs what is missing:
// the ones pinned in this folder's package.json, and the root's development dependencies.
// Plain JavaScript, because it has to start on Node 20, Deno and Bun with nothing installed.

import { execFileSync, spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The repository's top folder. */
export const root = dirname(dirname(here));

/** The runtimes that the test suite runs on. */
export const runtimeNames = ["deno", "bun", "node"];

const pinned = readJson(join(here, "package.json")).dependencies;

/**
 * The runtime that a command should use when nobody named one: the one whose command was typed
 * (`deno task`, `bun run`, `npm run`), whatever happens to execute this file.
 */
export function callingRuntime() {
  if (process.versions.deno) return "deno";
  const bun = process.versions.bun || process.env.npm_config_user_agent?.startsWith("bun/");
  return bun ? "bun" : "node";
}

/**
 * The command, as an array, that starts `name` (deno, bun, node or tsc) in the pinned version: the
 * pinned package if it is installed, else the same major version on PATH, else the pinned package
 * installed now.
 */
export function command(name) {
  const known = commands.get(name);
  if (known !== undefined) return known;
  const found = findCommand(name);
  commands.set(name, found);
  return found;
}

const commands = new Map();

function findCommand(name) {
  if (name === "tsc") {
    const script = join(here, "node_modules", "typescript", "bin", "tsc");
    if (!isComplete(here)) install(here);
    return [...command("node"), script];
  }
  if (!(name in pinned)) throw new Error(`Cannot start ${name}: the runtimes are deno, bun, node`);
  const binary = join(here, "node_modules", ".bin", name);
  const isPinned = installedVersion(here, name) === pinned[name];
  if (isPinned && major(name, binary) !== undefined) return [binary];
  const other = candidates(name).find((path) => major(name, path) === pinnedMajor(name));
  if (other !== undefined) return [other];
  install(here);
  if (major(name, binary) === pinnedMajor(name)) return [binary];
  throw new Error(
    `Cannot start ${name}: ${binary} is missing or does not run, ` +
      `remove scripts/runtimes/node_modules and try again, or put ${name} ${pinned[name]} on PATH`,
  );
}

/** The npm on PATH. */
export function npm() {
  const found = candidates("npm").find((path) => path !== process.execPath);
  if (found !== undefined) return found;
  throw new Error("Cannot find npm: it is not on PATH, install Node 20 or newer, which brings it");
}

/** Every `node` on PATH that is really Node, with its major version. */
export function nodesOnPath() {
  return candidates("node")
    .map((path) => ({ path, major: major("node", path) }))
    .filter((node) => node.major !== undefined);
}

/** Installs the root's development dependencies unless they are there in the right versions. */
export function installDependencies() {
  if (!isComplete(root)) install(root);
}

function pinnedMajor(name) {
  return Number(pinned[name].split(".")[0]);
}

/** Whether all that a folder's package.json asks for is installed there. */
function isComplete(folder) {
  const { dependencies, devDependencies } = readJson(join(folder, "package.json"));
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, version]) => {
    const installed = installedVersion(folder, name);
    return installed !== undefined && (version.startsWith("file:") || installed === version);
  });
}

function installedVersion(folder, name) {
  const file = join(folder, "node_modules", name, "package.json");
  return existsSync(file) ? readJson(file).version : undefined;
}

/** The executables called `name` on PATH, and the one that runs this very script. */
function candidates(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const paths = folders.map((folder) => join(folder, name)).filter(isExecutable);
  return [process.execPath, ...paths];
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The major version of the runtime at `path`, or undefined when it is not `name` at all. */
function major(name, path) {
  // Bun and Deno both answer to the name `node` where there is none: ask what is really there.
  const { args, pattern } = {
    deno: { args: ["--version"], pattern: /^deno (\d+)\./ },
    bun: { args: ["--version"], pattern: /^(\d+)\.\d+\.\d+\s*$/ },
    node: {
      args: ["-p", "process.versions.deno || process.versions.bun ? 'no' : process.version"],
      pattern: /^v(\d+)\./,
    },
  }[name];
  const env = { ...process.env, NO_COLOR: "1" };
  const found = pattern.exec(spawnSync(path, args, { encoding: "utf8", env }).stdout ?? "");
  return found ? Number(found[1]) : undefined;
}

/** Runs the installer in `folder`, one process at a time: who waited finds it done. */
function install(folder) {
  const [file, ...args] = installer(folder);
  const { release, waited } = lock(join(folder, ".install-lock"));
  try {
    if (waited && isComplete(folder)) return;
    console.error(
      `installing in ${folder === root ? "." : "scripts/runtimes"} (${args.join(" ")})`,
    );
    execFileSync(file, args, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  } catch (cause) {
    throw new Error(
      `Cannot install in ${folder}: the package manager failed (see above), ` +
        "check that the npm registry can be reached and try again",
      { cause },
    );
  } finally {
    release();
  }
}

function installer(folder) {
  // The runtimes come with install scripts that only npm runs; the rest any of the three installs.
  const caller = callingRuntime();
  if (folder === root && caller === "deno") return [process.execPath, "install"];
  if (folder === root && caller === "bun") return [...command("bun"), "install", "--no-save"];
  return [
    npm(),
    "install",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts=false",
  ];
}

/** Holds a lock file with this process's id in it; one whose process is gone is taken over. */
function lock(path) {
  const patience = Date.now() + 600_000;
  for (let waited = false;; waited = true) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return { waited, release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isAbandoned(path)) rmSync(path, { force: true });
    if (Date.now() > patience) {
      throw new Error(`Cannot install: another installation holds ${path}, remove it if none runs`);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function isAbandoned(path) {
  try {
    process.kill(Number(readFileSync(path, "utf8")), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
