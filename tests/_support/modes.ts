import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { NodeOptions } from "../../mod.ts";
import type { ErlangOptions } from "./erlang.ts";
import { authority, server } from "./tls.ts";

/**
 * How two nodes are connected, ours with one of theirs.
 *
 * | mode | ours | theirs | between them |
 * | --- | --- | --- | --- |
 * | `visible` | hidden | published, OTP's default | TCP |
 * | `hidden` | hidden | hidden | TCP |
 * | `published` | published | published | TCP |
 * | `tls` | hidden | published | TLS, the accepting node alone shows a certificate |
 * | `mutual` | hidden | published | TLS, both show one |
 */
export const MODES = ["visible", "hidden", "published", "tls", "mutual"] as const;
export type Mode = typeof MODES[number];

/** The one mode that this run is about, whole; `null` in a normal run, which has some of each. `ERGO_TEST_MODE`. */
export const onlyMode: Mode | null = readMode(process.env.ERGO_TEST_MODE);

function readMode(text: string | undefined): Mode | null {
  if (text === undefined) return null;
  const mode = MODES.find((mode) => mode === text);
  if (mode === undefined) throw new Error(`ERGO_TEST_MODE is ${text}, there are ${MODES}`);
  return mode;
}

/** The kinds of pair that a file of tests is about, as `visible Erlang`: those given, unless the run is about one mode. */
export function kindsOf(
  language: string,
  modes: readonly Mode[] = ["visible", "hidden"],
): string[] {
  return (onlyMode === null ? modes : [onlyMode]).map((mode) => `${mode} ${language}`);
}

/** The mode that a kind begins with. */
export function modeOf(kind: string): Mode {
  return MODES.find((mode) => kind.startsWith(mode))!;
}

export function isTls(mode: Mode): boolean {
  return mode === "tls" || mode === "mutual";
}

/** What a node of theirs needs to be in that mode. */
export function theirOptions(mode: Mode): Pick<ErlangOptions, "hidden" | "args"> {
  if (mode === "hidden") return { hidden: true };
  if (!isTls(mode)) return {};
  const options = join(tlsFolder(), mode === "mutual" ? "mutual.config" : "tls.config");
  return { args: ["-proto_dist", "inet_tls", "-ssl_dist_optfile", options] };
}

/** What our node needs to be in that mode. */
export function ourOptions(mode: Mode): NodeOptions {
  if (mode === "published") return { published: true };
  if (!isTls(mode)) return {};
  return { tls: { ...server, ca: authority, requestCert: mode === "mutual" } };
}

let made: string | null = null;

/**
 * A folder with what TLS needs on either side, there until this program ends: `cert.pem` and `key.pem` of a node on localhost,
 * `ca.pem` of who has made them, and the options for Erlang's inet_tls_dist.
 */
export function tlsFolder(): string {
  if (made !== null) return made;
  const folder = mkdtempSync(join(tmpdir(), "ergo-tls-"));
  made = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  file("cert.pem", server.cert);
  file("key.pem", server.key);
  file("ca.pem", authority);
  const path = (name: string): string => JSON.stringify(join(folder, name));
  const identity = `{certfile, ${path("cert.pem")}}, {keyfile, ${path("key.pem")}}`;
  const check = `{cacertfile, ${path("ca.pem")}}, {verify, verify_peer}`;
  file("tls.config", `[{server, [${identity}]},\n {client, [${check}]}].\n`);
  file(
    "mutual.config",
    `[{server, [${identity}, ${check}, {fail_if_no_peer_cert, true}]},\n {client, [${identity}, ${check}]}].\n`,
  );
  return folder;
}
