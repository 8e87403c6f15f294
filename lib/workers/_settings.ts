import { decode } from "../etf/decoder.ts";
import { encode } from "../etf/encoder.ts";
import type { Pid } from "../etf/identifiers.ts";
import type { DecodeOptions } from "../etf/options.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { tuple } from "../etf/tuple.ts";
import type { Core } from "../node/core.ts";
import type { LogThreshold } from "../node/log/level.ts";
import type { NumberBlock } from "../node/numbers.ts";

/** By which a thread knows that it was started by a node. */
export const THREAD = "ergo-ts";
/** How much memory both threads see: what is asked has to be answered in so many bytes. */
export const SHARED_BYTES: number = 1 << 20;

/** What a part of a node on a thread of its own begins with. */
export interface Settings {
  readonly name: string;
  readonly creation: number;
  readonly pids: NumberBlock;
  readonly references: NumberBlock;
  readonly tail: number;
  readonly level: LogThreshold;
  readonly terms: DecodeOptions;
  readonly copyMessages: boolean;
  readonly currentProcess: boolean;
  readonly leader: Pid;
  readonly env: ReadonlyMap<string, Encodable>;
}

export function settingsTerm({ leader, env, ...plain }: Settings): Encodable {
  return tuple(JSON.stringify(plain), leader, new Map(env)) as Encodable;
}

export function settingsOf(bytes: Uint8Array): Settings {
  const [text, leader, env] = decode(bytes) as unknown as [unknown, Pid, Iterable<[Term, Term]>];
  const values = Array.from(env, ([name, value]) => [String(name), value] as const);
  return { ...JSON.parse(String(text)), leader, env: new Map(values) };
}

/** What of the node's environment can be known on other threads: what is a term. */
export function envTerms({ env }: Core): Map<string, Encodable> {
  const terms = new Map<string, Encodable>();
  for (const [name, value] of env ?? []) {
    try {
      encode(value as Encodable);
      terms.set(name, value as Encodable);
    } catch {
      // It stays on its thread, as the option says.
    }
  }
  return terms;
}
