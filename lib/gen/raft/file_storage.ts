import type { Files } from "../../platform/files.ts";
import type { RaftStorage, RaftStorageContext } from "./storage.ts";

/** In front of a record: "RAFT", its length, its checksum, and the checksum of these twelve bytes. */
const HEADER = 16;
const MAGIC = 0x52414654;

/**
 * At the beginning of the file: "RAFTFILE", how many bytes from there on were put in place at once, and the checksum of these twelve bytes. No
 * crash can cut off any of those.
 */
const PREFACE = 16;
const FILE_MAGIC = [0x52414654, 0x46494c45] as const;

/**
 * A storage in one file of a folder, `raft.log`, which is made where it is not there. Each record is written behind the others and synced before
 * anybody is answered; with each snapshot the file is written anew, under another name, and takes the place of the old one.
 *
 * - A last record that is not whole is dropped when the file is opened, with a warning: a crash that cuts it off leaves that, and then nobody was told
 *   that it is there. Damage to the last record after it was written looks the same. Anything else that is not as it was written, as a flipped bit, also in
 *   a snapshot, makes the start fail: a member must not go on with a log that has a hole. Remove the folder, and the group takes it in again.
 * - A file of that name that is none of a Raft is left alone, and the start fails.
 * - One member at a time has a folder: another one of the same program is refused. Between programs nothing keeps them apart.
 * - Where a write or sync fails, as on a full disk, the member ends with that error. A supervisor may start it again.
 * - Where the folder is lost, the member comes back as a new one, see {@linkcode RaftStorage}.
 * - Deno needs `--allow-read` and `--allow-write` for the folder.
 *
 * @param folder of this member alone.
 */
export function fileStorage(folder: string): RaftStorage {
  if (typeof folder !== "string" || folder === "") {
    throw new TypeError("Cannot keep a log in files: the name of a folder is needed");
  }
  return new FileStorage(folder);
}

class FileStorage implements RaftStorage {
  readonly #folder: string;
  readonly #path: string;
  #files: Files | null = null;
  /** What is under way; never rejects. */
  #busy: Promise<unknown> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/raft.log`;
  }

  async open(context: RaftStorageContext): Promise<Uint8Array[]> {
    const files = await context.files();
    await hold(files, this.#folder, this);
    this.#files = files;
    try {
      return await this.#read(files, context);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async append(record: Uint8Array): Promise<void> {
    const files = this.#opened;
    await this.#during((async () => {
      await files.append(this.#path, framed(record));
      await files.sync(this.#path);
    })());
  }

  async replace(record: Uint8Array): Promise<void> {
    await this.#during(this.#write(this.#opened, framed(record)));
  }

  /** Another one may have the folder when what is under way is done: the member does not wait for it. */
  close(): void {
    const files = this.#files;
    this.#files = null;
    if (files !== null) release(files, this.#folder, this, this.#busy);
  }

  async #read(files: Files, context: RaftStorageContext): Promise<Uint8Array[]> {
    const path = this.#path;
    await files.makeFolder(this.#folder);
    const bytes = await files.read(path);
    if (bytes !== null) checkPreface(bytes, path);
    await files.remove(`${path}.new`); // of a crash
    if (bytes === null) {
      await this.#write(files, new Uint8Array(0));
      return [];
    }
    const { records, end } = recordsIn(bytes, path);
    if (end < bytes.length) {
      context.warn(
        `dropped the last record of ${path}, ${
          bytes.length - end
        } bytes, which is not whole: a crash while it was written leaves that, and then nobody was told of it; if there was none, the disk has damaged what others may rely on: remove the folder, and the group takes the member in as a new one`,
      );
      await files.truncate(path, end);
    }
    // What was read may not be safe yet, where the crash was one of the program.
    await files.sync(path);
    return records;
  }

  /** The file anew, with that in it: at once, or not. */
  async #write(files: Files, content: Uint8Array): Promise<void> {
    const next = `${this.#path}.new`;
    await files.write(next, prefaced(content));
    await files.sync(next);
    await files.rename(next, this.#path);
    await files.sync(this.#path);
  }

  #during(work: Promise<void>): Promise<void> {
    const busy: Promise<unknown> = work.then(undefined, () => {}).then(() => {
      if (this.#busy === busy) this.#busy = null;
    });
    this.#busy = busy;
    return work;
  }

  get #opened(): Files {
    if (this.#files !== null) return this.#files;
    throw new Error("Cannot write to a storage that is not open: a member opens it");
  }
}

/** Who has a folder; `free` settles where it ends and is not done yet. */
interface Holder {
  readonly storage: FileStorage;
  free: Promise<unknown> | null;
}

/** By the files that they are of: the machine's are the same for all nodes of a program. */
const held: WeakMap<Files, Map<string, Holder>> = new WeakMap();

async function hold(files: Files, folder: string, storage: FileStorage): Promise<void> {
  const holders = held.get(files) ?? new Map<string, Holder>();
  held.set(files, holders);
  const key = keyOf(folder);
  for (;;) {
    const free = holders.get(key)?.free;
    if (free === undefined) break;
    if (free === null) {
      throw new Error(
        `Cannot open ${folder}/raft.log: another member of this program has it open, each member needs a folder of its own`,
      );
    }
    await free;
  }
  holders.set(key, { storage, free: null });
}

function release(
  files: Files,
  folder: string,
  storage: FileStorage,
  busy: Promise<unknown> | null,
): void {
  const holders = held.get(files)!;
  const key = keyOf(folder);
  const holder = holders.get(key);
  if (holder?.storage !== storage) return;
  if (busy === null) holders.delete(key);
  else holder.free = busy.then(() => holders.delete(key));
}

/** The same for most ways to write the same folder. */
function keyOf(folder: string): string {
  const parts: string[] = [];
  for (const part of folder.split("/")) if (part !== "" && part !== ".") parts.push(part);
  return (folder.startsWith("/") ? "/" : "") + parts.join("/");
}

/** The content of a file that is put in place at once. */
function prefaced(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFACE + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FILE_MAGIC[0]);
  view.setUint32(4, FILE_MAGIC[1]);
  view.setUint32(8, bytes.length);
  view.setUint32(12, crc32(bytes.subarray(0, 12)));
  bytes.set(content, PREFACE);
  return bytes;
}

/** @throws where the file is none of a Raft, or damaged at its beginning. */
function checkPreface(bytes: Uint8Array, path: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= PREFACE && view.getUint32(12) === crc32(bytes.subarray(0, 12))) {
    if (view.getUint32(0) === FILE_MAGIC[0] && view.getUint32(4) === FILE_MAGIC[1]) return;
  }
  throw new Error(
    `Cannot open ${path}: it is no log of a Raft, or is damaged at byte 0; take another folder if it belongs to somebody else, or remove it, and the group takes the member in as a new one`,
  );
}

/** A record with its header, in one piece. */
function framed(record: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + record.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, record.length);
  view.setUint32(8, crc32(record));
  view.setUint32(12, crc32(bytes.subarray(0, 12)));
  bytes.set(record, HEADER);
  return bytes;
}

/**
 * The records of a file, and where the last whole one ends. Only the last one can be cut off, for the next is written when that one is safe, and
 * only one that was written behind what was put in place at once.
 *
 * @throws where something else is wrong.
 */
function recordsIn(bytes: Uint8Array, path: string): { records: Uint8Array[]; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  const whole = view.getUint32(8);
  let at = PREFACE;
  while (at < bytes.length) {
    if (!isHeader(view, bytes, at)) {
      // A file may have got longer before its content came.
      if (!isHeaderBehind(view, bytes, at + 1)) break;
      throw damaged(path, at);
    }
    const end = at + HEADER + view.getUint32(at + 4);
    if (end > bytes.length) {
      // What says that it is longer is whole, so it was cut off.
      break;
    }
    const record = bytes.slice(at + HEADER, end);
    if (crc32(record) !== view.getUint32(at + 8)) {
      if (end === bytes.length) break;
      throw damaged(path, at);
    }
    records.push(record);
    at = end;
  }
  if (at < whole) throw damaged(path, at);
  return { records, end: at };
}

function isHeader(view: DataView, bytes: Uint8Array, at: number): boolean {
  return at + HEADER <= bytes.length && view.getUint32(at) === MAGIC &&
    view.getUint32(at + 12) === crc32(bytes.subarray(at, at + 12));
}

function isHeaderBehind(view: DataView, bytes: Uint8Array, from: number): boolean {
  for (let at = from; at + HEADER <= bytes.length; at++) {
    if (bytes[at] === MAGIC >>> 24 && isHeader(view, bytes, at)) return true;
  }
  return false;
}

function damaged(path: string, at: number): Error {
  return new Error(
    `Cannot open ${path}: it is damaged at byte ${at}, and what was acknowledged would be missing; remove the folder, and the group takes the member in as a new one`,
  );
}

let table: Uint32Array | null = null;

/** The checksum of zlib and others. */
function crc32(bytes: Uint8Array): number {
  table ??= makeTable();
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function makeTable(): Uint32Array {
  const made = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    made[i] = value;
  }
  return made;
}
