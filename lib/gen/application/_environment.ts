import type { ApplicationConfig } from "../../node/applications.ts";
import { badEnv } from "./_faults.ts";

type Values = Map<string, unknown>;

/** The environments of a node's applications. */
export class Environment {
  /** What overrides an application's own values wherever it is loaded. */
  readonly #config: Map<string, Values> = new Map();
  readonly #values: Map<string, Values> = new Map();

  constructor(config: ApplicationConfig = {}) {
    for (const [name, values] of Object.entries(config)) {
      this.#config.set(name, new Map(Object.entries(values)));
    }
  }

  /**
   * Sets an application's own values, and what overrides them. What else was set before stays, as in OTP.
   *
   * @throws {ApplicationError} where a value is of another kind than the application's own: its code relies on that.
   */
  load(name: string, own: Readonly<Record<string, unknown>>): void {
    const config = this.#config.get(name) ?? [];
    for (const [key, value] of config) {
      const expected = Object.hasOwn(own, key) ? kindOf(own[key]) : null;
      if (expected === null || expected === kindOf(value)) continue;
      throw badEnv(name, `its env ${key} is of type ${expected}, config gives ${kindOf(value)}`);
    }
    const values = this.#of(this.#values, name);
    for (const [key, value] of Object.entries(own)) values.set(key, value);
    for (const [key, value] of config) values.set(key, value);
  }

  unload(name: string): void {
    this.#values.delete(name);
  }

  get(name: string, key: string): unknown {
    return this.#values.get(name)?.get(key);
  }

  all(name: string): Record<string, unknown> {
    return Object.fromEntries(this.#values.get(name) ?? []);
  }

  set(name: string, key: string, value: unknown, persistent: boolean): void {
    this.#of(this.#values, name).set(key, value);
    if (persistent) this.#of(this.#config, name).set(key, value);
  }

  unset(name: string, key: string, persistent: boolean): void {
    this.#values.get(name)?.delete(key);
    if (persistent) this.#config.get(name)?.delete(key);
  }

  #of(tables: Map<string, Values>, name: string): Values {
    const found = tables.get(name);
    if (found !== undefined) return found;
    const made: Values = new Map();
    tables.set(name, made);
    return made;
  }
}

/** `null` for values that say nothing of the type that is wanted. */
function kindOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? "array" : typeof value;
}
