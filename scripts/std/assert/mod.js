// @ts-self-types="./mod.d.ts"
// JSR's @std/assert, as npm has it: `deno-std` is the same source without its types.
export * from "deno-std/assert/mod.js";
