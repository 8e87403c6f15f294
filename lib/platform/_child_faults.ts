import { constants } from "node:os";
import { type ExitStatus, type SpawnCommand, SpawnFailed } from "./child.ts";

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such program, or no such folder to run it in",
  EACCES: "it may not be run",
  ENOTDIR: "a part of its path is no folder",
  EMFILE: "too many open files, raise the limit",
  EAGAIN: "too many processes",
  ENOMEM: "too little memory",
  E2BIG: "its arguments are too long",
};

/** Whatever a runtime threw where it was to start a program. */
export function spawnFailed({ command }: SpawnCommand, error: unknown): SpawnFailed {
  const { name, code, message } = (error ?? {}) as Error & { code?: unknown };
  if (name === "NotCapable") {
    return new SpawnFailed(
      `Cannot run ${command}: not permitted, run with --allow-run=${command}`,
      "EPERM",
      { cause: error },
    );
  }
  const known = typeof code === "string" ? code : "EIO";
  const why = TEXTS[known] ?? message;
  return new SpawnFailed(`Cannot run ${command}: ${why} (${known})`, known, { cause: error });
}

/** Bytes that hold on to no more memory than they take, give or take the half, and are no Buffer. */
export function plain(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = bytes;
  return 2 * byteLength < buffer.byteLength
    ? new Uint8Array(bytes)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

export function exitStatus(code: number | null, signal: string | null): ExitStatus {
  if (signal === null) return { code: code ?? 0, signal };
  return { code: 128 + (constants.signals[signal as NodeJS.Signals] ?? 0), signal };
}
