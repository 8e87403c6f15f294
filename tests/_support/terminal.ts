import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { command, environment } from "./erlang.ts";
import { needs } from "./runtime.ts";

/** A reason to skip a test that types at a program: `script` of Debian's bsdutils gives it a terminal. */
export const needsTerminal: string | false = needs("script");

/** A program at a terminal of its own, at which a test types. */
export interface Terminal extends AsyncDisposable {
  /** Types text; `\n` ends a line. */
  type(text: string): void;
  /** Waits until that appears behind what was waited for before, and gives what came up to its end. */
  until(text: string): Promise<string>;
}

const children: Set<ChildProcess> = new Set();

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Starts a program at a terminal. */
export function startTerminal(
  program: string,
  args: readonly string[],
  epmdPort: number,
): Terminal {
  const [run, all] = command(program, args);
  const line = [run, ...all].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    env: { ...environment(epmdPort), LC_ALL: "C.UTF-8", TERM: "xterm" },
    stdio: "pipe",
  });
  children.add(child);
  let seen = "";
  let ended = false;
  let wake = (): void => {};
  const decoder = new TextDecoder();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Uint8Array) => {
      seen += decoder.decode(bytes, { stream: true });
      wake();
    });
  }
  child.stdin.on("error", () => {}); // it has ended
  const exited = new Promise<void>((resolve) => {
    child.on("close", () => {
      children.delete(child);
      ended = true;
      wake();
      resolve();
    });
  });
  return {
    type: (text) => void child.stdin.write(text),
    async until(text) {
      for (;;) {
        const at = seen.indexOf(text);
        if (at >= 0) {
          const part = seen.slice(0, at + text.length);
          seen = seen.slice(at + text.length);
          return part;
        }
        if (ended) throw new Error(`it has ended before it printed ${text}:\n${seen}`);
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(
            () => reject(new Error(`it never printed ${text}:\n${seen}`)),
            50_000,
          );
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
