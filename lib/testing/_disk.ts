import type { Files } from "../platform/files.ts";
import type { SeededRandom } from "./random.ts";

/** The content of a file, whatever its names are. */
interface Content {
  /** What is read. */
  bytes: Uint8Array;
  /** What is safe; `null`: not even that it is there. */
  safe: Uint8Array | null;
}

/** A change of names that is not safe yet. */
interface Renaming {
  readonly folder: string;
  apply(names: Map<string, Content>): void;
}

/** What a crash leaves of a disk. */
export type DiskLoss = "keep" | "written" | "lose";

const NOTHING = new Uint8Array(0);

/**
 * A disk in memory that forgets at a crash, as real ones do, what was not synced: it is lost, torn or there, as the seed says. Changes
 * of names of one folder survive in their order.
 */
export class VirtualDisk {
  #names: Map<string, Content> = new Map();
  #safeNames: Map<string, Content> = new Map();
  #renamings: Renaming[] = [];

  /** The names of all files, in order. */
  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  read(path: string): Uint8Array | null {
    return this.#names.get(clean(path))?.bytes.slice() ?? null;
  }

  append(path: string, bytes: Uint8Array): void {
    const content = this.#open(clean(path));
    const joined = new Uint8Array(content.bytes.length + bytes.length);
    joined.set(content.bytes);
    joined.set(bytes, content.bytes.length);
    content.bytes = joined;
  }

  write(path: string, bytes: Uint8Array): void {
    this.#open(clean(path)).bytes = new Uint8Array(bytes);
  }

  truncate(path: string, length: number): void {
    const content = this.#names.get(clean(path));
    if (content !== undefined) content.bytes = content.bytes.slice(0, length);
  }

  /** @returns makes safe what the file is now. */
  sync(path: string): () => void {
    const name = clean(path);
    const content = this.#names.get(name);
    if (content === undefined) throw absent("sync", path);
    const bytes = content.bytes;
    const folder = folderOf(name);
    const renamings = this.#renamings.filter((one) => one.folder === folder);
    return () => {
      content.safe = bytes;
      for (const one of renamings) one.apply(this.#safeNames);
      this.#renamings = this.#renamings.filter((one) => !renamings.includes(one));
    };
  }

  rename(from: string, to: string): void {
    const [old, now] = [clean(from), clean(to)];
    const content = this.#names.get(old);
    if (content === undefined) throw absent("rename", from);
    this.#change(folderOf(now), (names) => {
      names.delete(old);
      names.set(now, content);
    });
  }

  remove(path: string): void {
    const name = clean(path);
    if (this.#names.has(name)) this.#change(folderOf(name), (names) => void names.delete(name));
  }

  list(folder: string): string[] {
    const inside = clean(folder);
    return this.paths.filter((path) => folderOf(path) === inside)
      .map((path) => path.slice(inside.length + (inside === "" || inside === "/" ? 0 : 1)));
  }

  /** The machine crashes. */
  crash(loss: DiskLoss, random: SeededRandom): void {
    if (loss === "written") return;
    if (loss === "lose") {
      this.#names = new Map();
      this.#safeNames = new Map();
      this.#renamings = [];
      return;
    }
    const survive = random.int(this.#renamings.length + 1);
    for (const one of this.#renamings.slice(0, survive)) one.apply(this.#safeNames);
    this.#renamings = [];
    for (const content of new Set(this.#safeNames.values())) {
      content.bytes = content.safe = remains(content, random);
    }
    this.#names = new Map(this.#safeNames);
  }

  #open(name: string): Content {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const content: Content = { bytes: NOTHING, safe: null };
    this.#change(folderOf(name), (names) => void names.set(name, content));
    return content;
  }

  #change(folder: string, apply: (names: Map<string, Content>) => void): void {
    apply(this.#names);
    this.#renamings.push({ folder, apply });
  }
}

/** What a crash leaves of a file. */
function remains({ bytes, safe }: Content, random: SeededRandom): Uint8Array {
  if (bytes === safe) return bytes;
  const old = safe ?? NOTHING;
  const fate = random.int(4);
  if (fate === 0) return old;
  if (fate === 1) return bytes;
  // Some of the new bytes have reached the disk; of those that were to follow the old ones stay, or the length grew and zeros are there.
  let same = 0;
  while (same < old.length && same < bytes.length && old[same] === bytes[same]) same++;
  const reached = same + random.int(bytes.length - same + 1);
  const torn = new Uint8Array(
    fate === 2 ? Math.max(reached, Math.min(old.length, bytes.length)) : bytes.length,
  );
  torn.set(old.subarray(0, torn.length));
  torn.set(bytes.subarray(0, reached));
  return torn;
}

function clean(path: string): string {
  const parts = String(path).split("/").filter((part, i) =>
    part !== "." && (part !== "" || i === 0)
  );
  return parts.join("/") || (path.startsWith("/") ? "/" : "");
}

function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "" : end === 0 ? "/" : path.slice(0, end);
}

function absent(verb: string, path: string): Error {
  return Object.assign(new Error(`Cannot ${verb} ${path}: there is no such file`), {
    code: "ENOENT",
  });
}

/** Waits for the disk; what is done in the middle of a crash is not done. */
export type DiskTime = (what: string) => Promise<void>;

/** The files of one life of a machine. */
export function filesOf(disk: VirtualDisk, time: DiskTime): Files {
  return {
    async read(path) {
      await time(`read ${path}`);
      return disk.read(path);
    },
    async append(path, bytes) {
      disk.append(path, bytes);
      await time(`append ${bytes.length} bytes to ${path}`);
    },
    async write(path, bytes) {
      disk.write(path, bytes);
      await time(`write ${bytes.length} bytes to ${path}`);
    },
    async truncate(path, length) {
      disk.truncate(path, length);
      await time(`truncate ${path} to ${length} bytes`);
    },
    async sync(path) {
      const done = disk.sync(path);
      await time(`sync ${path}`);
      done();
    },
    async rename(from, to) {
      disk.rename(from, to);
      await time(`rename ${from} to ${to}`);
    },
    async remove(path) {
      disk.remove(path);
      await time(`remove ${path}`);
    },
    async list(folder) {
      await time(`list ${folder}`);
      return disk.list(folder);
    },
    makeFolder: () => time("make a folder"),
  };
}
