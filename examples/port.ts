/**
 * External programs as processes: Erlang's ports. One sorts, one is asked and answers, one fails, and none outlives the node.
 *
 *     deno run -A examples/port.ts        bun examples/port.ts        node examples/port.ts
 *
 * It runs sort, sh and sleep, which every Unix has. Under Deno `--allow-run` is what it needs.
 */

import { format, program, startNode } from "../mod.ts";

await using node = await startNode("port@localhost", { network: false });

console.log("sort -n: its input is what we write, its output is read line by line");
const sort = await node.start(program("sort", { args: ["-n"], packet: "line" }), []);
for (const number of ["10", "9", "100"]) await sort.write(number); // waits where the program reads slowly
sort.endInput();
for await (const line of sort.output()) console.log(`  ${line.text}`);
console.log(`  exit status ${(await sort.exited).code}`);

console.log("\na program that goes on: a question, its answer");
const script = 'while read -r a b; do echo "$a times $b is $((a * b))"; done';
const sh = await node.start(program("sh", { args: ["-c", script], packet: "line" }), []);
for (const question of ["6 7", "12 12"]) {
  await sh.write(question);
  for await (const answer of sh.output()) {
    console.log(`  ${answer.text}`);
    break; // what comes later is for the next reader
  }
}

console.log(
  "\nthe end of a program is the end of its process, and a supervisor would start it again",
);
const fails = await node.start(program("sh", { args: ["-c", "read go; exit 3"] }), []);
const reason = new Promise((resolve) => fails.monitor((down) => resolve(format(down.reason))));
await fails.write("go\n");
console.log(`  ${await reason}`);

console.log("\nand the end of the process, or of the node, is the end of the program");
const sleeper = await node.start(program("sleep", { args: ["1000"] }), []);
await node.stop();
console.log(`  sleep has ended by ${(await sleeper.exited).signal}`);
