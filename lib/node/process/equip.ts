import type { Core } from "../core.ts";
import type { SpawnOptions } from "../core_options.ts";
import { startEnv } from "./env.ts";
import { MailboxLimit } from "./mailbox_limit.ts";
import type { Process } from "./process.ts";

/** Gives a process that was just made what its options ask for, besides its name and its group leader. */
export function equip(core: Core, process: Process, options: SpawnOptions): void {
  const { trapExit, terms, mailbox, hibernateAfter, link, env } = options;
  if (trapExit !== undefined) process.trapExit = trapExit;
  if (terms !== undefined) process.terms = { ...core.terms, ...terms };
  if (mailbox !== undefined) process.limit = new MailboxLimit(process, mailbox);
  if (hibernateAfter !== undefined) process.setHibernation(hibernateAfter);
  if (link) {
    process.parent = link.pid;
    process.addLink(link);
    link.addLink(process);
    if (link.env !== null) process.env = link.env;
  }
  if (env !== undefined) process.env = startEnv(process.env, env);
}
