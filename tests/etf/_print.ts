// Run by printing.test.ts: what console.log shows of terms.
import { atom } from "../../lib/etf/atom.ts";
import { Binary, Bitstring } from "../../lib/etf/binary.ts";
import { float } from "../../lib/etf/float.ts";
import { ExternalFun } from "../../lib/etf/fun.ts";
import { Pid, Ref } from "../../lib/etf/identifiers.ts";
import { ImproperList } from "../../lib/etf/list.ts";
import { TermMap } from "../../lib/etf/term_map.ts";
import { tagged, tuple } from "../../lib/etf/tuple.ts";

const n = atom("app@host");
const bob = Binary.from(new TextEncoder().encode("bob")) as Binary;
console.log(atom("ok"));
console.log(tagged("ok", bob, new Ref(n, 1, [1, 2, 3])));
console.log(bob);
console.log(new Bitstring(new Uint8Array([32]), 3));
console.log(float(1));
console.log(new Pid(n, 1, 0, 3));
console.log(new TermMap([[atom("a"), [tuple(1)]]]));
console.log(new ImproperList([1], 2));
console.log(new ExternalFun(atom("lists"), atom("map"), 2));
console.log(
  [tuple(1, 2), bob],
  { term: tuple(atom("x")), deep: [[[[tuple(7)]]]] },
  new Map([["k", bob]]),
);
console.log(`${bob} ${atom("ok")}`);
console.log(tuple(...new Array(100_000).fill(12345)));
