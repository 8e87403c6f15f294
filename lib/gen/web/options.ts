import { checkFields, type FieldsOf } from "../../_util/fields.ts";
import type { EventStreamOptions } from "./event_stream.ts";
import type { WebSocketOptions } from "./web_socket.ts";

/** How a {@linkcode Web} listens, and what it takes on. What its `init` returns. */
export interface WebOptions {
  /** Address to listen on; "0.0.0.0" or "::" for all. Default "127.0.0.1". */
  readonly host?: string;
  /** 0 for any that is free, see {@linkcode WebRef.port}. Default 8080. */
  readonly port?: number;
  /** Certificate and key: PEM texts, or paths of their files, which are read when the server starts. Default: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Milliseconds for an answer to begin, waiting included; beyond it the client gets 504 and the process is ended. Default 30,000. */
  readonly timeout?: number;
  /** Requests that are worked on at once, each by a process of its own. Default 1,000. */
  readonly concurrency?: number;
  /** Requests that wait when so many are worked on; further ones get 503. Default 1,000. */
  readonly queue?: number;
  /** Bytes that a request's body may have; beyond it the client gets 413. Default 16 MiB. */
  readonly maxBody?: number;
  /** WebSockets and event streams that are open at once; whoever wants one more gets 503. Default 10,000. */
  readonly maxOpen?: number;
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
  maxOpen: 10_000,
  drain: 4_000,
};

const FIELDS: FieldsOf<WebOptions> = { ...DEFAULTS, tls: undefined };

/** @throws {TypeError} or {RangeError} that names the option. */
export function webSettings(options: unknown): WebSettings {
  const what = "start a web server";
  checkFields(what, options ?? {}, FIELDS);
  // What is given as `undefined` is as if it were left out.
  const given: WebOptions = Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  );
  const settings = { ...DEFAULTS, ...given };
  if (settings.tls !== undefined) {
    checkFields(`${what} with option tls`, settings.tls, { cert: undefined, key: undefined });
  }
  if (typeof settings.host !== "string") {
    throw new TypeError(`Cannot ${what}: host must be an address`);
  }
  number(what, "port", settings.port, 0, 65_535);
  if (!Number.isInteger(settings.port)) {
    throw new RangeError(`Cannot ${what}: port is ${settings.port}, a whole number is needed`);
  }
  number(what, "timeout", settings.timeout, 1, Infinity);
  number(what, "concurrency", settings.concurrency, 1, Infinity);
  number(what, "queue", settings.queue, 0, Infinity);
  number(what, "maxBody", settings.maxBody, 0, Infinity);
  number(what, "maxOpen", settings.maxOpen, 0, Infinity);
  number(what, "drain", settings.drain, 0, Infinity);
  return settings;
}

const SOCKET_FIELDS: FieldsOf<WebSocketOptions> = {
  protocol: undefined,
  maxMessage: undefined,
  maxQueue: undefined,
  maxQueueBytes: undefined,
  maxBuffered: undefined,
};

/** Deno's and Bun's WebSockets take no larger messages. */
const LARGEST_MESSAGE = 64 * 1024 * 1024;

/** @throws {TypeError} or {RangeError} that names the option. */
export function checkSocketOptions(options: WebSocketOptions): void {
  const what = "open a WebSocket";
  checkFields(what, options, SOCKET_FIELDS);
  const { protocol, maxMessage = 0, maxQueue = 1, maxQueueBytes = 0, maxBuffered = 0 } = options;
  if (protocol !== undefined && !TOKEN.test(protocol)) {
    throw new TypeError(`Cannot ${what}: its protocol must be one token, as "chat"`);
  }
  number(what, "maxMessage", maxMessage, 0, LARGEST_MESSAGE);
  number(what, "maxQueue", maxQueue, 1, Infinity);
  number(what, "maxQueueBytes", maxQueueBytes, 0, Infinity);
  number(what, "maxBuffered", maxBuffered, 0, Infinity);
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

const STREAM_FIELDS: FieldsOf<EventStreamOptions> = {
  heartbeat: undefined,
  maxBuffered: undefined,
  headers: undefined,
};

/** @throws {TypeError} or {RangeError} that names the option. */
export function checkStreamOptions(options: EventStreamOptions): void {
  const what = "begin an event stream";
  checkFields(what, options, STREAM_FIELDS);
  number(what, "heartbeat", options.heartbeat ?? 0, 0, Infinity);
  number(what, "maxBuffered", options.maxBuffered ?? 0, 0, Infinity);
}

function number(what: string, name: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw new RangeError(`Cannot ${what}: ${name} is ${String(value)}, ${min} to ${max} is needed`);
  }
}
