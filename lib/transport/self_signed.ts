import { checkFields } from "../_util/fields.ts";
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bits,
  boolean,
  der,
  integer,
  octets,
  oid,
  pem,
  sequence,
  set,
  tagged,
  time,
  utf8,
} from "./_der.ts";

/** What a certificate for development is to hold. */
export interface SelfSignedOptions {
  /** Names and addresses of the machines that it is for. Default: localhost, 127.0.0.1 and ::1. */
  readonly hosts?: readonly string[];
  /** For how many days, 1 to 3,650. Default 365. */
  readonly days?: number;
}

/** A certificate with its key and the authority that vouches for it, PEM texts. */
export interface SelfSigned {
  /** The certificate. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
  /** The certificate of the authority. */
  readonly ca: string;
}

const DAY = 24 * 60 * 60 * 1000;
/** How long before now a certificate begins, so that a clock that is late accepts it. */
const SLACK = 60 * 60 * 1000;

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const COMMON_NAME = "2.5.4.3";
const SUBJECT_KEY = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const ALTERNATIVE_NAMES = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = oid("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH = oid("1.3.6.1.5.5.7.3.2");

/**
 * Makes a certificate for development, of an authority that is made with it and whose key is thrown away: nobody can make
 * another one that `ca` vouches for. It serves both roles, server and client (P-256, ECDSA with SHA-256).
 *
 * Nodes that are to talk to each other share one: make it once, and write the three texts to files.
 *
 * @example
 * ```ts
 * import { selfSigned, startNode } from "@ergo-ts/ergo";
 *
 * const tls = { ...selfSigned(), requestCert: true };
 * await using node = await startNode("demo@localhost", { cookie: "secret", tls });
 * ```
 *
 * @throws {RangeError} if a host is empty, or `days` is no whole number from 1 to 3,650.
 */
export function selfSigned(options: SelfSignedOptions = {}): SelfSigned {
  checkFields("make a certificate", options, { hosts: true, days: true });
  const { hosts = ["localhost", "127.0.0.1", "::1"], days = 365 } = options;
  if (!Number.isInteger(days) || days < 1 || days > 3650) {
    throw new RangeError(
      `Cannot make a certificate for ${String(days)} days: it must be 1 to 3650`,
    );
  }
  if (hosts.length === 0) {
    throw new RangeError("Cannot make a certificate for no host: give at least one of { hosts }");
  }
  const names = hosts.map(alternativeName);
  const [authority, identity] = [keyPair(), keyPair()];
  const now = Date.now();
  const valid = sequence(time(now - SLACK), time(now + days * DAY));
  const issuer = name(`ergo-ts development authority ${hex(randomBytes(4))}`);
  const ca = certificate(authority.privateKey, {
    issuer,
    subject: issuer,
    valid,
    publicKey: authority.publicKey,
    extensions: [
      extension(BASIC_CONSTRAINTS, sequence(boolean(true)), true),
      extension(KEY_USAGE, bits(Uint8Array.of(0b0000_0110), 1), true), // keyCertSign, cRLSign
      extension(SUBJECT_KEY, octets(keyId(authority.publicKey))),
    ],
  });
  const cert = certificate(authority.privateKey, {
    issuer,
    subject: name(hosts[0].slice(0, 64)),
    valid,
    publicKey: identity.publicKey,
    extensions: [
      extension(BASIC_CONSTRAINTS, sequence(), true),
      extension(KEY_USAGE, bits(Uint8Array.of(0b1000_0000), 7), true), // digitalSignature
      extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH, CLIENT_AUTH)),
      extension(ALTERNATIVE_NAMES, sequence(...names)),
      extension(SUBJECT_KEY, octets(keyId(identity.publicKey))),
      extension(AUTHORITY_KEY, sequence(der(0x80, keyId(authority.publicKey)))),
    ],
  });
  const key = identity.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  return { cert, key, ca };
}

interface Content {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly valid: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

/** RFC 5280, 4.1: what is certified, and the signature of it. */
function certificate(signer: KeyObject, content: Content): string {
  const { issuer, subject, valid, publicKey, extensions } = content;
  const serial = randomBytes(16);
  serial[0] |= 0x40; // 16 bytes, and positive
  serial[0] &= 0x7f;
  const certified = sequence(
    tagged(0, integer(Uint8Array.of(2))), // version 3
    integer(serial),
    ECDSA_SHA256,
    issuer,
    valid,
    subject,
    spki(publicKey),
    tagged(3, sequence(...extensions)),
  );
  return pem(
    "CERTIFICATE",
    sequence(certified, ECDSA_SHA256, bits(sign("sha256", certified, signer))),
  );
}

function keyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: "spki", format: "der" }) as Uint8Array);
}

/** Of the bits of the point, which are the last 65 bytes. */
function keyId(key: KeyObject): Uint8Array {
  return new Uint8Array(createHash("sha1").update(spki(key).subarray(-65)).digest());
}

function name(text: string): Uint8Array {
  return sequence(set(sequence(oid(COMMON_NAME), utf8(text))));
}

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...critical ? [boolean(true)] : [], octets(value));
}

function alternativeName(host: string): Uint8Array {
  if (host === "" || /[^!-~]/.test(host)) {
    throw new RangeError(
      `Cannot make a certificate for host ${
        JSON.stringify(host)
      }: give names in ASCII and addresses`,
    );
  }
  const version = isIP(host);
  if (version === 4) return der(0x87, Uint8Array.from(host.split(".").map(Number)));
  if (version === 6) return der(0x87, ipv6(host));
  return der(0x82, new TextEncoder().encode(host));
}

/** The 16 bytes of an address that is known to be one. */
function ipv6(host: string): Uint8Array {
  const groups = new URL(`http://[${host.replace(/%.*/, "")}]/`).hostname.slice(1, -1).split("::");
  const [head, tail = []] = groups.map((part) => part === "" ? [] : part.split(":"));
  const zeros = Array<string>(8 - head.length - tail.length).fill("0");
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => {
    const number = parseInt(group, 16);
    return [number >> 8, number & 0xff];
  }));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
