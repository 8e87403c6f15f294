import { checkFields, type FieldsOf, namesInstead } from "../_util/fields.ts";
import type { DiskLoss } from "./_disk.ts";
import type { SimulatedNetwork } from "./_wires.ts";
import type { SimulationOptions } from "./simulation.ts";

/** The options of a simulation. */
export const SIMULATION_FIELDS: FieldsOf<SimulationOptions> = {
  seed: 0,
  nodes: 0,
  network: 0,
  faults: 0,
  nodeOptions: 0,
  drift: 0,
  maxTime: 0,
  maxSteps: 0,
  twice: 0,
  shrink: 0,
};

const NETWORK: FieldsOf<SimulatedNetwork> = {
  latency: 0,
  lateness: 0,
  late: 0,
  loss: 0,
  duplicates: 0,
  window: 0,
};

const STORAGE: Readonly<Record<DiskLoss, unknown>> = { keep: 0, written: 0, lose: 0 };

/** @throws {TypeError} unless it is a number or a text. */
export function checkSeed(what: string, seed: unknown): void {
  if (typeof seed === "string" || typeof seed === "number" && Number.isFinite(seed)) return;
  throw new TypeError(`Cannot ${what} without a seed: give { seed: 1 }, a number or a text`);
}

/** @throws {RangeError} unless it is a number of that size, or left out. */
export function checkNumber(
  what: string,
  name: string,
  value: unknown,
  least = 0,
  most: number = Infinity,
): void {
  if (value === undefined) return;
  if (typeof value === "number" && value >= least && value <= most) return;
  const size = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(
    `Cannot ${what}: ${name} is ${textOf(value)}, a number ${size} is needed`,
  );
}

/** @throws {TypeError} unless it is true, false or left out. */
export function checkBoolean(what: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(
    `Cannot ${what}: ${name} is ${textOf(value)}, true or false is needed`,
  );
}

/** @throws {TypeError} unless it is a function, or left out. */
export function checkBoot(name: string, boot: unknown): void {
  if (boot === undefined || typeof boot === "function") return;
  throw new TypeError(
    `Cannot start ${name}: its boot is ${
      textOf(boot)
    }, a function is needed that starts its processes`,
  );
}

/** @throws {TypeError} unless it says what a disk keeps. */
export function checkStorage(what: string, storage: unknown): void {
  if (storage === undefined) return;
  if (typeof storage === "string" && Object.hasOwn(STORAGE, storage)) return;
  const known = namesInstead(String(storage), Object.keys(STORAGE));
  throw new TypeError(`Cannot ${what}: there is no storage ${textOf(storage)}, ${known}`);
}

/** @throws {TypeError} unless it is a list. */
export function checkList(what: string, list: unknown, items: string): void {
  if (Array.isArray(list)) return;
  throw new TypeError(`Cannot ${what}: ${textOf(list)} came, a list of ${items} is needed`);
}

/** @throws {TypeError | RangeError} that names what cannot be meant. */
export function checkNetwork(network: SimulatedNetwork): void {
  const what = "simulate a network";
  checkFields(what, network, NETWORK);
  const { latency, lateness, late, loss, duplicates, window } = network;
  if (Array.isArray(latency)) checkPair(what, "latency", latency);
  else if (latency !== undefined) checkTime(what, "latency", latency);
  checkNumber(what, "lateness", lateness, 0, 1);
  if (late !== undefined) checkTime(what, "late", late);
  checkNumber(what, "loss", loss, 0, 1);
  checkNumber(what, "duplicates", duplicates, 0, 1);
  checkNumber(what, "window", window, 1);
}

/** @throws {RangeError} unless it is milliseconds that end. */
export function checkTime(what: string, name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value < Infinity) return;
  throw new RangeError(
    `Cannot ${what}: ${name} is ${textOf(value)}, milliseconds of at least 0 are needed`,
  );
}

/** @throws {RangeError} unless it is the least and the longest of some time. */
export function checkPair(what: string, name: string, pair: unknown): void {
  const [from, to] = Array.isArray(pair) && pair.length === 2 ? pair : [];
  const isTime = (time: unknown): boolean => typeof time === "number" && time < Infinity;
  if (isTime(from) && isTime(to) && from >= 0 && to >= from) return;
  throw new RangeError(
    `Cannot ${what}: ${name} must be [from, to] in milliseconds, the lesser first`,
  );
}

/** @throws {TypeError} unless it is names, or functions by name. */
export function checkNodes(what: string, nodes: unknown): void {
  if (nodes === undefined) return;
  if (Array.isArray(nodes)) {
    if (nodes.every((name) => typeof name === "string")) return;
  } else if (typeof nodes === "object" && nodes !== null) {
    for (const [name, boot] of Object.entries(nodes)) checkBoot(name, boot);
    return;
  }
  throw new TypeError(`Cannot ${what} such nodes: give a list of names, or functions by name`);
}

/** A value in an error. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null
    ? "an object"
    : typeof value === "function"
    ? "a function"
    : String(value);
}
