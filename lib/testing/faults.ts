import { checkFields, type FieldsOf } from "../_util/fields.ts";
import { checkList, checkNumber, checkPair, checkStorage, checkTime, textOf } from "./_check.ts";
import type { DiskLoss } from "./_disk.ts";

/** Something that goes wrong at some time, and is right again after a while. Times are milliseconds. */
export type SimFault =
  | {
    readonly kind: "crash";
    readonly at: number;
    readonly node: string;
    readonly lasts: number;
    readonly storage: DiskLoss;
    readonly silent: boolean;
  }
  | { readonly kind: "pause"; readonly at: number; readonly node: string; readonly lasts: number }
  | {
    readonly kind: "partition";
    readonly at: number;
    readonly nodes: readonly string[];
    readonly oneWay: boolean;
    readonly lasts: number;
  }
  | { readonly kind: "reset"; readonly at: number; readonly nodes: readonly [string, string] }
  | { readonly kind: "skew"; readonly at: number; readonly node: string; readonly by: number };

/** How often something happens, and for how long. Milliseconds. */
export interface FaultTimes {
  /** How long it takes from one to the next, on average. */
  readonly every: number;
  /** The least and the longest time that it lasts. Default: 10 to 3,000. */
  readonly lasts?: readonly [from: number, to: number];
}

/**
 * What goes wrong in a simulation by itself; the seed says when and where. Nothing does unless it is named here.
 */
export interface FaultOptions {
  /** Nodes crash, and are started again. */
  readonly crash?: FaultTimes & {
    /** What their disks keep, see {@linkcode CrashOptions}. Default "keep"; a list for one of several. */
    readonly storage?: DiskLoss | readonly DiskLoss[];
    /** How many of the crashes are those of a machine without power: 0 none, 1 all. Default 0.3. */
    readonly silent?: number;
  };
  /** Nodes stand still, as after SIGSTOP. */
  readonly pause?: FaultTimes;
  /** Some nodes and the others do not hear each other. */
  readonly partition?: FaultTimes & {
    /** How many of them go one way only: 0 none, 1 all. Default 0.3. */
    readonly oneWay?: number;
  };
  /** Two nodes lose their connections. */
  readonly reset?: Pick<FaultTimes, "every">;
  /** The system time of a node jumps, by up to so many milliseconds, forward or back. */
  readonly skew?: Pick<FaultTimes, "every"> & { readonly by: number };
  /** The nodes that it may happen to. Default: all. A run in which none of them was ever started fails. */
  readonly nodes?: readonly string[];
  /** How many nodes may be down or paused at a time. Default: all. */
  readonly maxDown?: number;
  /** When it begins. Default 0. */
  readonly from?: number;
  /** When it ends: what lasts then is over, too, so that all can come right. Default: never. */
  readonly until?: number;
}

const FIELDS: FieldsOf<FaultOptions> = {
  crash: 0,
  pause: 0,
  partition: 0,
  reset: 0,
  skew: 0,
  nodes: 0,
  maxDown: 0,
  from: 0,
  until: 0,
};

const TIMED: Readonly<Record<"crash" | "pause" | "partition" | "reset" | "skew", object>> = {
  crash: { every: 0, lasts: 0, storage: 0, silent: 0 },
  pause: { every: 0, lasts: 0 },
  partition: { every: 0, lasts: 0, oneWay: 0 },
  reset: { every: 0 },
  skew: { every: 0, by: 0 },
};

/** @ignore @internal @throws {TypeError | RangeError} that names what cannot be meant. */
export function checkFaults(options: FaultOptions): void {
  const what = "simulate faults";
  checkFields(what, options, FIELDS);
  for (const [name, fields] of Object.entries(TIMED)) {
    const times: unknown = options[name as keyof typeof TIMED];
    if (times === undefined) continue;
    const kind = `${what} of kind ${name}`;
    checkFields(kind, times, fields as Readonly<Record<string, unknown>>);
    const { every, lasts } = times as FaultTimes;
    if (!(typeof every === "number" && every > 0 && every < Infinity)) {
      throw new RangeError(
        `Cannot ${kind}: every is ${textOf(every)}, milliseconds above 0 are needed`,
      );
    }
    if (lasts !== undefined) checkPair(kind, "lasts", lasts);
  }
  const { crash, partition, skew, nodes, maxDown, from, until } = options;
  if (crash !== undefined) checkCrash(`${what} of kind crash`, crash);
  checkNumber(`${what} of kind partition`, "oneWay", partition?.oneWay, 0, 1);
  if (skew !== undefined) checkTime(`${what} of kind skew`, "by", skew.by);
  if (nodes !== undefined) {
    checkList(what, nodes, "node names");
    if (nodes.length === 0) {
      throw new RangeError(
        `Cannot ${what}: nodes is an empty list, name those that it may happen to`,
      );
    }
    const odd = nodes.findIndex((name) => typeof name !== "string");
    if (odd >= 0) {
      throw new TypeError(`Cannot ${what}: nodes has ${textOf(nodes[odd])}, names are needed`);
    }
  }
  checkNumber(what, "maxDown", maxDown);
  if (from !== undefined) checkTime(what, "from", from);
  checkNumber(what, "until", until);
}

function checkCrash(what: string, crash: NonNullable<FaultOptions["crash"]>): void {
  const { storage, silent } = crash;
  checkNumber(what, "silent", silent, 0, 1);
  if (!Array.isArray(storage)) return checkStorage(what, storage);
  if (storage.length === 0) {
    throw new RangeError(`Cannot ${what}: storage is an empty list, at least one is needed`);
  }
  for (const one of storage) checkStorage(what, one ?? null);
}

/** @ignore @internal A fault in words. */
export function faultText(fault: SimFault): string {
  const at = `${fault.at.toFixed(3)} ms: `;
  switch (fault.kind) {
    case "crash": {
      const how = fault.silent ? "power failure" : "crash";
      return `${at}${how} of ${fault.node} for ${fault.lasts} ms, ${STORAGE[fault.storage]}`;
    }
    case "pause":
      return `${at}${fault.node} stands still for ${fault.lasts} ms`;
    case "partition": {
      const who = fault.nodes.join(", ");
      const how = fault.oneWay ? "the others do not hear" : "no connection between the others and";
      return `${at}${how} ${who} for ${fault.lasts} ms`;
    }
    case "reset":
      return `${at}${fault.nodes.join(" and ")} lose their connections`;
    case "skew":
      return `${at}the system time of ${fault.node} jumps by ${fault.by} ms`;
  }
}

const STORAGE: Readonly<Record<DiskLoss, string>> = {
  keep: "its disk keeps what was synced",
  written: "its disk keeps all",
  lose: "its disk is lost",
};
