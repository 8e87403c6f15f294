// Run by child.test.ts with no permission, or with that to run echo alone.
import { SpawnFailed } from "../../lib/platform/child.ts";
import { defaultPlatform } from "../../lib/platform/default.ts";

const platform = await defaultPlatform();
try {
  const child = await platform.spawn({ command: "echo", args: ["hello"] });
  const alive = platform.keepAlive();
  child.start({
    data: (bytes) => console.log(new TextDecoder().decode(bytes).trim()),
    end() {},
    drain() {},
    exit: () => alive[Symbol.dispose](),
  });
} catch (error) {
  if (!(error instanceof SpawnFailed)) throw error;
  console.log(error.code, /--allow-run=\w+/.exec(error.message)?.[0]);
}
