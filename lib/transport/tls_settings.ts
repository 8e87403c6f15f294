import { createPrivateKey, X509Certificate } from "node:crypto";
import { type TlsOptions, type TlsVersion, TransportError } from "./contract.ts";

const VERSIONS: readonly TlsVersion[] = ["TLSv1.2", "TLSv1.3"];

/**
 * Refuses what would not do what it says. Deno's node:tls leaves out a certificate that it cannot read without a word, so a
 * client that was to show one would go on without.
 *
 * @param what The verb and the thing for the message, as "listen on localhost:4000".
 * @throws {TransportError} with the code EINVAL.
 */
export function checkSettings(what: string, side: "client" | "server", options: TlsOptions): void {
  const { cert, key, ca, requestCert, minVersion = "TLSv1.2", maxVersion = "TLSv1.3" } = options;
  for (const version of [minVersion, maxVersion]) {
    if (!VERSIONS.includes(version)) {
      throw refused(what, `there is no TLS version ${version}, there are ${VERSIONS.join(", ")}`);
    }
  }
  if (minVersion > maxVersion) {
    throw refused(what, "`minVersion` is above `maxVersion`, give them in order or leave them out");
  }
  if (side === "server" && requestCert && ca === undefined) {
    throw refused(what, "`requestCert` without `ca`, say whose certificates are accepted");
  }
  for (const authority of authorities(ca) ?? []) {
    readable(what, "`ca` cannot be read", () => new X509Certificate(authority));
  }
  if (side === "client" && cert === undefined && key === undefined) return;
  if (!cert || !key) throw refused(what, "TLS needs `cert` and `key`, give both");
  const certificate = readable(what, "`cert` cannot be read", () => new X509Certificate(cert));
  const privateKey = readable(what, "`key` cannot be read", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw refused(what, "`key` is not the key of `cert`, give those that belong together");
  }
}

/** The authorities as the list that node:tls takes; `undefined` are those that the runtime trusts. */
export function authorities(ca: TlsOptions["ca"]): string[] | undefined {
  if (ca === undefined) return undefined;
  return typeof ca === "string" ? [ca] : [...ca];
}

function readable<T>(what: string, fault: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refused(what, `${fault}, PEM text is needed`, cause);
  }
}

function refused(what: string, why: string, cause?: unknown): TransportError {
  return new TransportError(`Cannot ${what}: ${why}`, "EINVAL", { cause });
}
