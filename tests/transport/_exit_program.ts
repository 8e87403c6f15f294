// Run by lifetime.test.ts: uses streams in a way that its arguments say, and must then come to its end by itself.
import process from "node:process";
import { kinds, pair } from "./_transports.ts";

const [, , kindName, way] = process.argv;
const kind = kinds.find(({ name }) => name === kindName)!;
const { near, far, listener } = await pair(kind);
near.start().write("hello");
await far.start().untilText("hello");
switch (way) {
  case "ended":
    near.end();
    await far.untilEnded();
    far.end();
    await near.untilClosed();
    await listener.close();
    break;
  case "destroyed":
    near.destroy();
    far.destroy();
    await listener.close();
    break;
  case "unref":
    near.stream.unref();
    far.stream.unref();
    listener.unref();
    break;
  case "listener":
    near.destroy();
    far.destroy();
    listener.unref();
    listener.ref();
    // The program is to live for its listener: who started it ends it.
    console.log("still alive");
    break;
}
console.log("done");
