import { checkFields, type FieldsOf } from "../../_util/fields.ts";

/** How a {@linkcode Web} listens, and what it takes on. What its `init` returns. */
export interface WebOptions {
  /** Address to listen on; "0.0.0.0" or "::" for all. Default "127.0.0.1". */
  readonly host?: string;
  /** 0 for any that is free, see {@linkcode WebRef.port}. Default 8080. */
  readonly port?: number;
  /** Certificate and key as PEM texts. Default: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Milliseconds for an answer to begin, waiting included; beyond it the client gets 504 and the process is ended. Default 30,000. */
  readonly timeout?: number;
  /** Requests that are worked on at once, each by a process of its own. Default 1,000. */
  readonly concurrency?: number;
  /** Requests that wait when so many are worked on; further ones get 503. Default 1,000. */
  readonly queue?: number;
  /** Bytes that a request's body may have; beyond it the client gets 413. Default 16 MiB. */
  readonly maxBody?: number;
  /** Milliseconds that requests under way have when the server stops in order. Default 4,000. */
  readonly drain?: number;
}

/** The options with their defaults. */
export type WebSettings = Required<Omit<WebOptions, "tls">> & Pick<WebOptions, "tls">;

const DEFAULTS: Required<Omit<WebOptions, "tls">> = {
  host: "127.0.0.1",
  port: 8080,
  timeout: 30_000,
  concurrency: 1_000,
  queue: 1_000,
  maxBody: 16 * 1024 * 1024,
  drain: 4_000,
};

const FIELDS: FieldsOf<WebOptions> = { ...DEFAULTS, tls: undefined };

/** @throws {TypeError} or {RangeError} that names the option. */
export function webSettings(options: unknown): WebSettings {
  const what = "start a web server";
  const given = (options ?? {}) as WebOptions;
  checkFields(what, given, FIELDS);
  const settings = { ...DEFAULTS, ...given };
  if (typeof settings.host !== "string") {
    throw new TypeError(`Cannot ${what}: host must be an address`);
  }
  number(what, "port", settings.port, 0, 65_535);
  number(what, "timeout", settings.timeout, 1, Infinity);
  number(what, "concurrency", settings.concurrency, 1, Infinity);
  number(what, "queue", settings.queue, 0, Infinity);
  number(what, "maxBody", settings.maxBody, 0, Infinity);
  number(what, "drain", settings.drain, 0, Infinity);
  return settings;
}

function number(what: string, name: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw new RangeError(`Cannot ${what}: ${name} is ${String(value)}, ${min} to ${max} is needed`);
  }
}
