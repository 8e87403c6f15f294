import type { TlsOptions } from "../../transport/contract.ts";

/**
 * TLS as a node uses it, both ways: it shows the same certificate to those that come and to those that it dials. The texts are PEM,
 * or paths of files that hold it.
 *
 * - A peer that is dialled must have a certificate of `ca` for the host of its node name, as OTP asks for too (`verify`).
 * - Those that come are asked for a certificate only with `requestCert`.
 */
export interface NodeTls extends TlsOptions {
  /** Our certificate, followed by those between it and its authority, if any. A node that listens needs one. */
  readonly cert?: string;
  /** The private key of `cert`, not encrypted. */
  readonly key?: string;
  /** The authorities whose certificates are accepted, both ways. Default: for those that are dialled, whom the runtime trusts. */
  readonly ca?: string | readonly string[];
}

/** TLS settings, or a function that is asked for them at each connection, as by who renews certificates. */
export type TlsOption = NodeTls | (() => NodeTls | Promise<NodeTls>);
