import { namesInstead } from "../../_util/fields.ts";
import { Schema } from "../../etf/schema/schema.ts";

const TABLES = ["calls", "casts"];

/**
 * Refuses tables whose calls could only fail when they are made: programs without types get to know it where the contract is.
 *
 * @throws {TypeError}
 */
export function checkTables(tables: unknown): void {
  if (typeof tables !== "object" || tables === null || Array.isArray(tables)) {
    throw new TypeError("Cannot make a contract: its tables are needed, as { calls, casts }");
  }
  for (const name of Object.keys(tables)) {
    if (TABLES.includes(name)) continue;
    throw wrong(`there is no table ${name}, ${namesInstead(name, TABLES)}`);
  }
  const { calls, casts } = tables as { readonly calls?: unknown; readonly casts?: unknown };
  if (calls !== undefined) checkTable("call", calls);
  if (casts !== undefined) checkTable("cast", casts);
}

/**
 * The functions by name of one of our own servers, which makes its table each time it starts.
 *
 * @throws {TypeError} if there are none.
 */
export function entriesOf<F extends object>(
  kind: "call" | "cast",
  functions: F,
): [string, F[keyof F]][] {
  if (typeof functions === "object" && functions !== null) return Object.entries(functions);
  throw new TypeError(
    `Cannot serve ${kind}s: ${
      described(functions)
    } came, an object with the functions by name is needed`,
  );
}

/** Refuses a function that is for nothing of its contract, and what is none. @throws {TypeError} */
export function checkFunction(
  kind: "call" | "cast",
  name: string,
  fn: unknown,
  contract: Readonly<Record<string, unknown>>,
): void {
  if (!Object.hasOwn(contract, name)) {
    const names = Object.keys(contract).join(", ") || "none";
    throw new TypeError(
      `Cannot serve ${kind} ${name}: the contract has no such ${kind}, it has ${names}`,
    );
  }
  if (typeof fn === "function") return;
  throw new TypeError(`Cannot serve ${kind} ${name}: it is ${described(fn)}, a function is needed`);
}

function checkTable(kind: "call" | "cast", table: unknown): void {
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw wrong(`its ${kind}s are ${described(table)}, an object with schemas by name is needed`);
  }
  for (const [name, schemas] of Object.entries(table)) checkSchemas(kind, name, schemas);
}

function checkSchemas(kind: "call" | "cast", name: string, schemas: unknown): void {
  const needed = kind === "call" ? "[...args, reply]" : "[...args]";
  if (!Array.isArray(schemas)) {
    throw wrong(
      `${kind} ${name} is ${described(schemas)}, an array of schemas is needed: ${needed}`,
    );
  }
  if (kind === "call" && schemas.length === 0) {
    throw wrong(`call ${name} has no schemas, that of its reply is needed at least: ${needed}`);
  }
  for (let i = 0; i < schemas.length; i++) {
    const schema: unknown = schemas[i];
    if (schema instanceof Schema) continue;
    const isReply = kind === "call" && i === schemas.length - 1;
    const which = isReply ? "the reply" : `argument ${i + 1}`;
    const called = typeof schema === "function" ? "; call it, as in t.atom()" : "";
    throw wrong(
      `${which} of ${kind} ${name} is ${described(schema)}, a schema is needed${called}`,
    );
  }
}

function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Schema) return "a schema";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function wrong(why: string): TypeError {
  return new TypeError(`Cannot make a contract: ${why}`);
}
