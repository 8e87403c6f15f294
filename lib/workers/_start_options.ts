import { Pid } from "../etf/identifiers.ts";
import type { Encodable, Term } from "../etf/term.ts";
import { isTuple, tuple } from "../etf/tuple.ts";
import type { SpawnOptions } from "../node/core_options.ts";
import { type Env, startEnv } from "../node/process/env.ts";
import type { MailboxOptions } from "../node/process/mailbox.ts";
import { addressOf } from "../node/target.ts";
import { addressTerm, targetOf } from "./_targets.ts";

/** How a process is to be started, so that another thread can read it. Values of the environment have to be terms. */
export function startOptionsTerm(options: SpawnOptions, parent: Env | null): Encodable {
  const env = new Map(startEnv(parent, options.env)) as Map<string, Encodable>;
  const { terms = {}, mailbox, hibernateAfter = Infinity } = options;
  const ms = hibernateAfter === Infinity ? null : hibernateAfter;
  return tuple(JSON.stringify(terms), mailboxTerm(mailbox), env, ms) as Encodable;
}

function mailboxTerm(mailbox: MailboxOptions | undefined): Encodable {
  if (mailbox === undefined) return null;
  const { max, full = "drop" } = mailbox;
  if (typeof full === "string") return tuple(max, full) as Encodable;
  return tuple(max, addressTerm(addressOf(full.fallback)), full.tag ?? null) as Encodable;
}

/** What {@linkcode startOptionsTerm} has written. */
export function startOptionsOf(term: Term): SpawnOptions {
  const [terms, mailbox, env, hibernateAfter] = term as unknown as [
    unknown,
    Term,
    Iterable<[Term, Term]>,
    number | null,
  ];
  return {
    terms: JSON.parse(String(terms)),
    mailbox: mailboxOf(mailbox),
    env: Object.fromEntries(Array.from(env, ([name, value]) => [String(name), value])),
    hibernateAfter: hibernateAfter ?? Infinity,
  };
}

function mailboxOf(term: Term): MailboxOptions | undefined {
  if (!isTuple(term)) return undefined;
  const [max, full, tag] = term as unknown as [number, Term, Encodable];
  if (term.length === 2) return { max, full: String(full) as "drop" };
  const fallback = full instanceof Pid ? full : targetOf(full);
  return { max, full: { fallback, tag } };
}
