/** What a schema answers to a value that it does not take; see {@linkcode Schema.tryParse}. */
export const noMatch: unique symbol = Symbol("no match");

/** The type of {@linkcode noMatch}. */
export type NoMatch = typeof noMatch;
