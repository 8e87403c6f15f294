/**
 * Makes schemas: `t.text`, `t.tuple(t.atom("ok"), t.integer)` and so on. See {@linkcode Schema} for what all of them can do.
 *
 * @example
 * ```ts
 * import { atomMap, t, tagged } from "@ergo-ts/ergo";
 *
 * const Order = t.object({ sku: t.text, count: t.integer, note: t.text.optional() });
 *
 * Order.parse(atomMap({ sku: "A1", count: 2 })); //    { sku: "A1", count: 2 }
 * t.result(Order, t.atom("not_found")).expected; //    what Elixir would print for it
 * t.tagged("ok", Order).parse(tagged("ok", 7)); //     throws SchemaError: Cannot parse value at [1]: ...
 * ```
 *
 * @module
 */

// Whole modules, since Deno's documentation shows what they declare only so: everything that they export is a part of `t`.
export * from "./calendar.ts";
export * from "./compound.ts";
export * from "./decimal.ts";
export * from "./fields.ts";
export * from "./foreign.ts";
export * from "./leaves.ts";
export * from "./text_lists.ts";
