// What JavaScript has besides: `packages.ts json encode --file document.json`, the same with msgpackr; `packages.ts erlang_js decode --file x.etf`
// and the other ETF codecs of npm. The packages are in a folder of their own (--packages).

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { pick, report, skip, task } from "./_report.ts";

/** A codec: what it encodes is its own value of the file. */
interface Codec {
  readonly value: unknown;
  encode(value: unknown): Uint8Array | string;
  decode(bytes: Uint8Array | string): unknown;
}

type ErlangJs = {
  readonly Erlang: {
    binary_to_term(bytes: Uint8Array, done: (error: unknown, term: unknown) => void): void;
    term_to_binary(term: unknown, done: (error: unknown, bytes: Uint8Array) => void): void;
  };
};
type Msgpackr = { pack(value: unknown): Uint8Array; unpack(bytes: Uint8Array): unknown };
type EtfJs = { pack(value: unknown): Uint8Array; unpack(bytes: Uint8Array): unknown };

const CODECS: Readonly<Record<string, (file: Uint8Array) => Codec>> = {
  json: (file) => ({
    value: JSON.parse(String(file)),
    // As bytes, for that is what a codec gives and takes.
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(bytes.toString()),
  }),
  msgpackr: (file) => {
    const { pack, unpack } = load<Msgpackr>("msgpackr");
    const decode = (bytes: Uint8Array | string): unknown => unpack(bytes as Uint8Array);
    return { value: JSON.parse(String(file)), encode: pack, decode };
  },
  erlang_js: (file) => {
    const { Erlang } = load<ErlangJs>("erlang_js");
    const encode = (value: unknown): Uint8Array =>
      given((done) => Erlang.term_to_binary(value, done));
    const decode = (bytes: Uint8Array | string): unknown =>
      given((done) => Erlang.binary_to_term(bytes as Uint8Array, done));
    return { value: decode(file), encode, decode };
  },
  "etf.js": (file) => {
    const { pack, unpack } = load<EtfJs>("etf.js");
    const decode = (bytes: Uint8Array | string): unknown => unpack(bytes as Uint8Array);
    return { value: decode(file), encode: pack, decode };
  },
};

/** What was given to a callback, which is called at once. */
function given<T>(call: (done: (error: unknown, value: T) => void) => void): T {
  let result: { readonly error: unknown; readonly value: T } | undefined;
  call((error, value) => result = { error, value });
  if (result === undefined) throw new Error("Cannot measure this codec: it answers later");
  if (result.error) throw result.error;
  return result.value;
}

function load<T>(name: string): T {
  return createRequire(join(it.packages, "package.json"))(name) as T;
}

const it = task();
const [name, way] = it.names;
let codec: Codec | undefined;
/** The last result, so that no engine leaves out what made it. */
export let kept: unknown;
let bytes: Uint8Array | string = "";
try {
  const file = readFileSync(it.file);
  codec = pick(CODECS, name)(file);
  bytes = codec.encode(codec.value);
  codec.decode(bytes);
  // A codec of the term format has to read what others have written.
  if (!it.file.endsWith(".json")) codec.decode(bytes = file);
} catch (error) {
  codec = undefined;
  skip(it.names, `cannot ${way} this: ${String(error).split("\n")[0].slice(0, 160)}`);
}
if (codec !== undefined) {
  const { encode, decode, value } = codec;
  const rounds = Math.max(1, Math.min(1_000, Math.floor(80_000 / bytes.length)));
  await report(it, () => {
    let last: unknown;
    if (way === "encode") { for (let i = 0; i < rounds; i++) last = encode(value); }
    else for (let i = 0; i < rounds; i++) last = decode(bytes);
    kept = last;
    return rounds;
  });
}
