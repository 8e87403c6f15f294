import { ImproperList } from "./list.ts";
import { TermMap } from "./term_map.ts";

/** What a part of a term takes at least. */
const PART = 16;

/** About how many bytes a term takes, counted no further than `most`. */
export function sizeOf(term: unknown, most: number): number {
  const waiting: unknown[] = [term];
  let size = 0;
  while (waiting.length > 0 && size <= most) {
    const part = waiting.pop();
    size += PART;
    if (typeof part === "string") size += part.length;
    else if (part instanceof Uint8Array) size += part.length;
    else if (Array.isArray(part)) add(waiting, part, most);
    else if (part instanceof TermMap) add(waiting, part._flat, most);
    else if (part instanceof ImproperList) {
      add(waiting, part.elements, most);
      waiting.push(part.tail);
    }
  }
  return size;
}

/** No more than can count. */
function add(waiting: unknown[], parts: readonly unknown[], most: number): void {
  const count = Math.min(parts.length, Math.ceil(most / PART) + 1);
  for (let i = 0; i < count; i++) waiting.push(parts[i]);
}
