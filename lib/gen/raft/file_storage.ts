import type { Files } from "../../platform/files.ts";
import type { RaftStorage, RaftStorageContext } from "./storage.ts";

/** "RAFT", the length of the record, its checksum, and that of these twelve bytes. */
const HEADER = 16;
const MAGIC = 0x52414654;

/**
 * A storage in one file of a folder, `raft.log`, which is made where it is not there. Each record is written behind the others and synced before
 * anybody is answered; with each snapshot the file is written anew, under another name, and takes the place of the old one.
 *
 * - A record that a crash has cut off at the end is dropped when the file is opened: nobody was told that it is there. Anything else that is not as it
 *   was written, as a flipped bit, makes the start fail: a member must not go on with a log that has a hole. Remove the folder, and the group takes it in again.
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

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/raft.log`;
  }

  async open(context: RaftStorageContext): Promise<Uint8Array[]> {
    const files = this.#files = await context.files();
    await files.makeFolder(this.#folder);
    await files.remove(`${this.#path}.new`); // of a crash
    const bytes = await files.read(this.#path);
    if (bytes === null) return [];
    const { records, end } = recordsIn(bytes, this.#path);
    if (end < bytes.length) {
      context.warn(
        `dropped ${
          bytes.length - end
        } bytes at the end of ${this.#path}, which a crash has cut off: nobody was told that they are there`,
      );
      await files.truncate(this.#path, end);
    }
    // What was read may not be safe yet, where the crash was one of the program.
    await files.sync(this.#path);
    return records;
  }

  async append(record: Uint8Array): Promise<void> {
    const files = this.#opened;
    await files.append(this.#path, framed(record));
    await files.sync(this.#path);
  }

  async replace(record: Uint8Array): Promise<void> {
    const files = this.#opened;
    const next = `${this.#path}.new`;
    await files.write(next, framed(record));
    await files.sync(next);
    await files.rename(next, this.#path);
    await files.sync(this.#path);
  }

  get #opened(): Files {
    if (this.#files !== null) return this.#files;
    throw new Error("Cannot write to a storage that is not open: a member opens it");
  }
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
 * The records of a file, and where the last whole one ends. Only the last one can be cut off, for the next is written when that one is safe.
 *
 * @throws where something else is wrong.
 */
function recordsIn(bytes: Uint8Array, path: string): { records: Uint8Array[]; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
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
