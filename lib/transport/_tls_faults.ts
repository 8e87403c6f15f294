const UNKNOWN_AUTHORITY =
  "the authority of the peer's certificate is not known here, give it as { ca }";

/**
 * What the codes of TLS mean for who runs a node, and what to do. Node, Bun and Deno spell the codes nearly alike: they are those
 * of OpenSSL. The order counts: what the peer said of our certificate (an alert) comes before what we found in its own.
 */
const FAULTS: readonly (readonly [code: RegExp, text: string])[] = [
  [
    /ALERT_CERTIFICATE_REQUIRED|CertificateRequired/,
    "the peer asks for our certificate, give { cert, key } of an authority that it knows",
  ],
  [
    /ALERT_UNKNOWN_CA|UnknownCA/,
    "the peer does not know the authority of our certificate, give one of its authority, or it our { ca }",
  ],
  [
    /ALERT_CERTIFICATE_EXPIRED|CertificateExpired/,
    "the peer says that our certificate has expired, renew it, and look at the clocks of both",
  ],
  [
    /ALERT_(BAD|UNSUPPORTED)_CERTIFICATE|ALERT_CERTIFICATE_(UNKNOWN|REVOKED)|ALERT_ACCESS_DENIED|(Bad|Unsupported)Certificate|CertificateUnknown/,
    "the peer does not accept our certificate, see its log",
  ],
  [
    /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|ProtocolVersion|NotOfferedOrEnabled/,
    "the two have no version of TLS in common, look at minVersion and maxVersion of both",
  ],
  [
    /ALERT_HANDSHAKE_FAILURE|HandshakeFailure|NO_SHARED_CIPHER/,
    "the peer ended the TLS handshake: it may ask for a certificate that we do not give, or the two have no cipher in common",
  ],
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    "the peer showed no certificate, which this node asks for, give it one",
  ],
  [
    /WRONG_VERSION_NUMBER|HTTP_REQUEST|InvalidContentType|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE/,
    "the peer does not speak TLS, both must use it or none",
  ],
  [
    /CERT_HAS_EXPIRED/,
    "the certificate of the peer has expired, renew it, and look at the clocks of both",
  ],
  [
    /CERT_NOT_YET_VALID/,
    "the certificate of the peer is not valid yet, look at the clocks of both",
  ],
  [
    /DEPTH_ZERO_SELF_SIGNED_CERT/,
    "the certificate of the peer is signed by itself and not known here, give it as { ca }",
  ],
  [
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT_IN_CHAIN|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA/,
    UNKNOWN_AUTHORITY,
  ],
  [
    /INVALID_PURPOSE/,
    "the certificate of the peer is not made for this use, it needs serverAuth and clientAuth",
  ],
];

/** What went wrong in a TLS handshake, in plain words; `undefined` where it is no such fault, or none that is known. */
export function tlsFault(error: unknown): string | undefined {
  const { code = "", message = "" } = (error ?? {}) as { code?: unknown; message?: string };
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate of the peer is for another name, give it one for this, or say { serverName }: ${message}`;
  }
  // Node's "SSL/TLS_ALERT_..." and Bun's "SSLV3_ALERT_..." are the same alerts.
  const text = `${String(code)} ${message}`;
  const fault = FAULTS.find(([pattern]) => pattern.test(text))?.[1];
  // Deno has one code for both.
  return fault === UNKNOWN_AUTHORITY && "Deno" in globalThis
    ? `${fault}; or it has expired`
    : fault;
}
