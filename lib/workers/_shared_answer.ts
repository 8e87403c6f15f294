// How an answer stands in the memory that two threads share: three numbers of 32 bits, then its bytes.

/** Where it says that there is one. */
export const STATE = 0;
/** How many bytes it has. */
export const LENGTH = 1;
/** 1 where it is the answer, 0 where it is an error. */
export const OK = 2;
/** Bytes in front of it. */
export const HEAD = 12;

export const WAITING = 0;
export const DONE = 1;
