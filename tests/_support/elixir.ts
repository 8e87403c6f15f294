import { fileURLToPath } from "node:url";
import { type ErlangNode, type ErlangOptions, startBeam } from "./erlang.ts";

const LOOP = fileURLToPath(new URL("./elixir_loop.exs", import.meta.url));

/**
 * Starts an Elixir node, as `startErlang` does an Erlang one; `eval` takes Elixir expressions, and gives the value as `inspect`
 * prints it.
 */
export async function startElixir(
  options: Omit<ErlangOptions, "mesh">,
): Promise<ErlangNode> {
  const { name, cookie, hidden = false, args = [] } = options;
  return await startBeam(options, "elixir", (port) => [
    ...[
      "--sname",
      name,
      "--cookie",
      cookie,
      "--erl",
      ["-start_epmd", "false", "-noinput", ...args].join(" "),
    ],
    ...hidden ? ["--hidden"] : [],
    ...[LOOP, String(port)],
  ]);
}
