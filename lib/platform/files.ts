/**
 * The files of a program whose loss matters, as those of a log: bytes by path, and when they are safe. In a simulation it is a virtual disk.
 *
 * - What was written is read back at once. It survives a crash of the program, and one of the machine only after {@linkcode Files.sync}.
 * - Operations on one path are to be awaited one after another; those on different paths may overlap.
 * - A promise rejects with the system's error where the disk is full, broken, or not permitted; a path that is not there is no error.
 */
export interface Files {
  /** The whole content; `null` where there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  /** Writes behind what is there. Makes the file where there is none. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes the whole content, in place: a crash may leave a part of it. Write to another name and rename where that matters. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Cuts the file to that many bytes. Does nothing where it is not longer. */
  truncate(path: string, length: number): Promise<void>;
  /** Settles when the content of the file, its length and its name are safe: `fsync` of the file, then of its folder. */
  sync(path: string): Promise<void>;
  /** Gives a file another name, at once or not at all; a file of that name is replaced. Safe after the next `sync` of `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Safe after the next `sync` of a file of the same folder; else it may be there again. */
  remove(path: string): Promise<void>;
  /** The names of the files of a folder, in order; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Makes a folder and those above it. */
  makeFolder(path: string): Promise<void>;
}
