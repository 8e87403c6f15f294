// Makes what the interop matrix examines us with: systems of Debian that hold newer releases of Erlang/OTP.
//
//   otp_chroots.mjs [--folder DIR] [--mirror URL] [--again] [27 29]
//
// - Prints a line for each: the release, its version and its folder. `in_chroot.sh FOLDER erl` runs what is in it.
// - What is there already stays; one that was interrupted, or made by another recipe, is made anew, and all are with --again.
// - Where it cannot, it says why and exits with 1: it needs Linux, root, debootstrap and Debian's mirror.
// - The folder: --folder, else ERGO_OTP_CHROOTS, else ergo-otp in the user's cache ($XDG_CACHE_HOME, ~/.cache).
// - The mirror: --mirror, else ERGO_DEBIAN_MIRROR, else the one that apt uses on this machine.
//
// Plain JavaScript for Node 20. Once made, a system takes about 300 MB.

import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** Which of Debian's suites has which release of OTP. */
const SUITES = { 27: "trixie", 29: "sid" };

const PACKAGES = [
  "erlang-base", //          with the compiler
  "erlang-runtime-tools", // what observer and etop ask for
  "erlang-syntax-tools",
  "erlang-ssl", //           and crypto, public-key and asn1 with it
  "elixir",
];

/** Changes with what is in a system: one with another mark is made anew. */
const RECIPE = 2;
const MARK = "etc/ergo-otp.json";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MINUTES_AT_MOST = 20;

/** The releases there are systems for. */
export const chrootReleases = Object.keys(SUITES);

/** The command, as an array, that runs a program in the system in that folder. */
export function inChroot(folder, program, ...args) {
  return [join(dirname(fileURLToPath(import.meta.url)), "in_chroot.sh"), folder, program, ...args];
}

/** Where the systems are, unless told otherwise. */
export function defaultFolder() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return process.env.ERGO_OTP_CHROOTS || join(cache, "ergo-otp");
}

/**
 * The system with that release of OTP, made now unless it is there: `{ folder, version }`, the version as "27.3.4".
 *
 * @throws if it cannot be made or used here, with the reason.
 */
export function chrootOf(release, options = {}) {
  const suite = SUITES[release];
  if (suite === undefined) {
    throw new Error(`Cannot make OTP ${release}: there are recipes for ${chrootReleases}`);
  }
  const folder = join(options.folder ?? defaultFolder(), suite);
  try {
    if (process.platform !== "linux") throw new Error(`this is ${process.platform}, not Linux`);
    if (process.getuid() !== 0) throw new Error("chroot needs root, run as root");
    if (options.again || !isWhole(folder)) make(folder, suite, options.mirror);
    return { folder, version: versionIn(folder, release) };
  } catch (error) {
    throw new Error(`Cannot use OTP ${release} of Debian ${suite}: ${error.message}`);
  }
}

/** Whether it was made to its end, as we make them today. */
function isWhole(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, MARK), "utf8")).recipe === RECIPE;
  } catch {
    return false;
  }
}

/** Asks the system itself, which shows that its programs run. */
function versionIn(folder, release) {
  const ask = "{ok, Version} = file:read_file(filename:join([code:root_dir(), releases, " +
    "erlang:system_info(otp_release), 'OTP_VERSION'])), io:put_chars(Version), halt().";
  const [program, ...args] = inChroot(folder, "erl", "-noinput", "-boot", "start_clean");
  const asked = run(program, [...args, "-eval", ask]);
  const version = asked.stdout.trim();
  if (version.split(".")[0] === release) return version;
  if (asked.status !== 0) throw new Error(`erl does not run there: ${lastLine(asked)}`);
  throw new Error(`it holds OTP ${version} by now, ${SUITES[release]} is the wrong suite`);
}

/** Makes it beside its place, and puts it there when it is whole. */
function make(folder, suite, wantedMirror) {
  if (!isOnPath("debootstrap")) {
    throw new Error("there is no debootstrap, install Debian's package");
  }
  if (!isOnPath("unshare")) throw new Error("there is no unshare, install util-linux");
  if (!existsSync(KEYRING)) throw new Error("there is no debian-archive-keyring, install it");
  const mirror = wantedMirror ?? aptMirror();
  const half = `${folder}.half`;
  const log = `${folder}.log`;
  mkdirSync(dirname(folder), { recursive: true });
  remove(half);
  writeFileSync(log, "");
  console.error(`making ${folder} (a minute or two, see ${log})`);
  const step = (title, program, ...args) => {
    // With mounts of its own: whatever it leaves mounted, an interrupted one too, ends with it.
    const private_ = ["--mount", "--propagation", "private", program, ...args];
    const done = run("unshare", private_, { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" });
    appendFileSync(log, `== ${title}\n${done.stdout}${done.stderr}`);
    if (done.status !== 0) throw new Error(`${title} failed: ${lastLine(done)} (see ${log})`);
  };
  step(
    "debootstrap",
    "debootstrap",
    "--variant=minbase",
    `--keyring=${KEYRING}`,
    suite,
    half,
    mirror,
  );
  writeFileSync(join(half, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 }); // no service starts
  writeFileSync(join(half, "etc/apt/apt.conf.d/50ergo"), aptSettings());
  writeFileSync(
    join(half, "etc/dpkg/dpkg.cfg.d/50ergo"),
    "force-unsafe-io\npath-exclude=/usr/share/man/*\n",
  );
  for (const file of ["etc/hosts", "etc/resolv.conf"]) { // names mean the same inside
    if (existsSync(`/${file}`)) writeFileSync(join(half, file), readFileSync(`/${file}`));
  }
  step("apt-get update", "chroot", half, "apt-get", "update", "-q");
  step("apt-get install", "chroot", half, "apt-get", "install", "-q", "-y", ...PACKAGES);
  step("apt-get clean", "chroot", half, "apt-get", "clean");
  writeFileSync(join(half, MARK), JSON.stringify({ recipe: RECIPE, suite, packages: PACKAGES }));
  remove(folder);
  renameSync(half, folder);
}

/** Removes a system, never what may be mounted in it. */
function remove(folder) {
  if (run("rm", ["-rf", "--one-file-system", folder]).status !== 0) {
    throw new Error(`${folder} cannot be removed, something is mounted in it: umount it`);
  }
}

/** Debian's mirror in apt's own settings. */
function aptMirror() {
  if (process.env.ERGO_DEBIAN_MIRROR) return process.env.ERGO_DEBIAN_MIRROR;
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  for (const file of ["/etc/apt/sources.list", ...files.sort()]) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8").replaceAll(/^\s*#.*\n?/gm, "");
    const found = file.endsWith(".sources") ? mirrorInStanzas(text) : mirrorInLines(text);
    if (found !== undefined) return found;
  }
  throw new Error(
    "apt knows no mirror of Debian here, name one with --mirror or ERGO_DEBIAN_MIRROR",
  );
}

/** In deb822 form: stanzas of fields. */
function mirrorInStanzas(text) {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name) =>
      new RegExp(`^${name}:\\s*(.*)$`, "mi").exec(stanza)?.[1].trim().split(/\s+/) ?? [];
    if (!field("Types").includes("deb")) continue;
    const uri = field("URIs").find((uri) => isDebian(uri, field("Suites"), field("Components")));
    if (uri !== undefined) return uri;
  }
}

/** In the older form: `deb [options] uri suite component...`. */
function mirrorInLines(text) {
  for (const line of text.split("\n")) {
    const [, uri, suite, components] =
      /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line) ??
        [];
    if (uri !== undefined && isDebian(uri, [suite], components.split(/\s+/))) return uri;
  }
}

/** Not the archive of security updates, and not somebody else's: those have no other suites. */
function isDebian(uri, suites, components) {
  return /^https?:.*\/debian\/?$/.test(uri) && components.includes("main") &&
    suites.some((suite) => !suite.includes("security"));
}

/** How apt reaches the network on this machine, and that it installs no more than it is told. */
function aptSettings() {
  const dump = isOnPath("apt-config") ? run("apt-config", ["dump"]).stdout : "";
  const ways = dump.split("\n").filter((line) => /^Acquire::\w+::(Proxy|Timeout)\S* "/i.test(line));
  return [
    ...ways,
    'APT::Install-Recommends "false";',
    'Acquire::Languages "none";',
    'Acquire::Check-Valid-Until "false";', // a mirror may be a snapshot of another day; signed it has to be
    "",
  ].join("\n");
}

function isOnPath(program) {
  return run("sh", ["-c", `command -v ${program}`]).status === 0;
}

function run(program, args, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: MINUTES_AT_MOST * 60_000,
  });
  return { status, stdout: stdout ?? "", stderr: `${stderr ?? ""}${error?.message ?? ""}` };
}

/** What a program said last, an error if there is one. */
function lastLine({ stdout, stderr }) {
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  return (lines.filter((line) => /^E:/.test(line)).at(-1) ?? lines.at(-1) ?? "it said nothing")
    .trim();
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      folder: { type: "string" },
      mirror: { type: "string" },
      again: { type: "boolean", default: false },
    },
  });
  for (const release of positionals.length > 0 ? positionals : chrootReleases) {
    try {
      const { folder, version } = chrootOf(release, values);
      console.log(`OTP ${version} in ${folder}`);
    } catch (error) {
      console.error(error.message);
      process.exitCode = 1;
    }
  }
}

if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) main();
