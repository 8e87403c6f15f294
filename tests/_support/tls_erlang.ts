import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity } from "./tls.ts";

/** What an Erlang node does with TLS, as in the option file of inet_tls_dist. */
export interface ErlangTls {
  readonly identity: Identity;
  readonly ca: string;
  /** Of those that come. Default "verify_none". */
  readonly server?: "verify_peer" | "verify_none";
  /** Of those that it dials. Default "verify_peer". */
  readonly client?: "verify_peer" | "verify_none";
  /** What it shows to those that it dials; `null`: nothing. Default: `identity`. */
  readonly shows?: Identity | null;
  readonly versions?: readonly ("tlsv1.2" | "tlsv1.3")[];
}

/** Files of a test, which are removed at its end. */
export class TlsFiles implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "ergo-tls-"));
  #count = 0;

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** The arguments of erl for that. */
  args(tls: ErlangTls): string[] {
    const number = ++this.#count;
    const { identity, ca, server = "verify_none", client = "verify_peer", shows = identity } = tls;
    const versions = tls.versions ? [`{versions, ['${tls.versions.join("','")}']}`] : [];
    const authority = this.write(`ca${number}.pem`, ca);
    const pair = (name: string, { cert, key }: Identity): string[] => [
      `{certfile, "${this.write(`${name}${number}.pem`, cert)}"}`,
      `{keyfile, "${this.write(`${name}_key${number}.pem`, key)}"}`,
    ];
    const serving = [
      ...pair("server", identity),
      `{cacertfile, "${authority}"}`,
      `{verify, ${server}}`,
      ...server === "verify_peer" ? ["{fail_if_no_peer_cert, true}"] : [],
      ...versions,
    ];
    const dialling = [
      ...shows === null ? [] : pair("client", shows),
      `{cacertfile, "${authority}"}`,
      `{verify, ${client}}`,
      ...versions,
    ];
    const file = this.write(
      `dist${number}.conf`,
      `[{server, [${serving.join(", ")}]},\n {client, [${dialling.join(", ")}]}].\n`,
    );
    return ["-proto_dist", "inet_tls", "-ssl_dist_optfile", file];
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
