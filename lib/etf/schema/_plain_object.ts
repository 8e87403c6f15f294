/** Whether a value is an object that was written `{...}`: of no class, from nowhere else. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** An object's own property; never one that it inherits. */
export function getOwn(from: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

/** Gives an object a property of its own, also one named `__proto__`. */
export function setOwn(to: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(to, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    to[key] = value;
  }
}
