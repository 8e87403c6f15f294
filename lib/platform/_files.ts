import { constants } from "node:fs";
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import type { Files } from "./files.ts";

/** The files of the machine, the same by `node:fs` on all three runtimes. Deno asks for `--allow-read` and `--allow-write`. */
export const files: Files = {
  async read(path) {
    const bytes = await unlessAbsent(readFile(path));
    return bytes === null ? null : new Uint8Array(bytes);
  },
  append: (path, bytes) => appendFile(path, bytes),
  write: (path, bytes) => writeFile(path, bytes),
  async truncate(path, length) {
    const known = await unlessAbsent(stat(path));
    if (known !== null && known.size > length) await truncate(path, length);
  },
  async sync(path) {
    await syncOne(path, constants.O_RDWR);
    await syncOne(dirname(path), constants.O_RDONLY);
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  async list(folder) {
    const found = await unlessAbsent(readdir(folder, { withFileTypes: true }));
    return (found ?? []).filter((one) => one.isFile()).map((one) => one.name).sort();
  },
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
};

async function syncOne(path: string, flags: number): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function unlessAbsent<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}
