// A server that smoke.ts runs on a worker.

import { GenServer, on, t } from "@ergo-ts/ergo";

export default class Doubler extends GenServer {
  override readonly calls = { double: on(t.integer, (n) => n * 2) };
}
