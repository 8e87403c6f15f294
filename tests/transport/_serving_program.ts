// Run by lifetime.test.ts: greets everybody who connects, and prints its port.
import { defaultTransport } from "../../lib/transport/default.ts";

const transport = await defaultTransport();
const listener = await transport.listen({ port: 0 }, (stream) => {
  stream.start({
    data() {},
    drain() {},
    end: () => stream.end(),
    close() {},
  });
  stream.write(new TextEncoder().encode("hello"));
});
console.log(listener.address.port);
