import { type Measured, onOneLine } from "./_layout.ts";

// How ~p breaks lines: the rules are those of io_lib_pretty, which other programs' output is compared with.

/** What stays the same while one term is printed. */
interface Page {
  /** Columns of a line. */
  readonly width: number;
  /** Characters that a line may have behind its indentation. */
  readonly most: number;
  /** How far the elements of a tagged tuple are indented; not positive: behind the tag. */
  readonly tag: number;
}

/** Where something is printed: its column, the spaces a new line begins with, brackets to close behind it, characters before it. */
interface Place {
  readonly column: number;
  readonly indent: number;
  readonly closing: number;
  readonly before: number;
}

/** Prints over as many lines as are needed, none of them longer than `width` where it can be. */
export function pretty(term: Measured, column: number, width: number): string {
  const start = Math.max(1, column);
  const most = term.length;
  if (width === 0 || term.length < width - start) return onOneLine(term);
  const tag =
    [-1, 4].find((tag) =>
      fits(term, { width, most, tag }, { column: start, indent: 0, closing: 0, before: 0 })
    ) ?? 1;
  const place = { column: start, indent: start - 1, closing: 0, before: 0 };
  return new Printer({ width, most, tag }).print(term, place);
}

function hasRoom({ width, most }: Page, length: number, place: Place): boolean {
  return length < width - place.column - place.closing &&
    length + place.before + place.closing <= most;
}

/** Whether an element may stand behind the one before it, on the same line. */
function mayFollow(page: Page, length: number, place: Place, closing: number): boolean {
  const room = page.width - place.column;
  return closing === 0
    ? length + 1 < room && place.before + length + 1 <= page.most
    : length < room - closing && place.before + length + closing <= page.most;
}

function isLeaf(term: Measured): boolean {
  return term.kind === "leaf";
}

function isLeafPair(pair: Measured): boolean {
  return isLeaf(pair.items[0]) && isLeaf(pair.items[1]);
}

/** How many brackets close behind an element: those of its container behind the last one. */
function closingAt({ items }: Measured, index: number, closing: number): number {
  return index + 1 < items.length ? 0 : closing + 1;
}

/** Where the elements of a tagged tuple stand: on a line of their own, or behind the tag. */
function behindTag(term: Measured, { tag }: Page): { newLine: boolean; by: number } {
  const behind = term.items[0].length + 2;
  return tag > 0 && behind > tag ? { newLine: true, by: tag } : { newLine: false, by: behind };
}

function valueIndent({ tag }: Page): number {
  return tag > 0 ? tag : 4;
}

/** So many spaces in front of lines are enough: a format of a few bytes can ask for a thousand before each byte of a binary. */
const MOST_SPACES = 16_000_000;

class Printer {
  readonly #page: Page;
  #spaces = 0;

  constructor(page: Page) {
    this.#page = page;
  }

  print(term: Measured, place: Place): string {
    if (hasRoom(this.#page, term.length, place)) return onOneLine(term);
    const { column, indent, before } = place;
    const inside = { ...place, column: column + 1, indent: indent + 1, before: before + 1 };
    switch (term.kind) {
      case "list":
        return `[${this.#items(term, 0, inside, "|")}]`;
      case "tuple":
        return `{${this.#items(term, 0, inside, ",")}}`;
      case "tagged":
        return `{${this.#tagged(term, { ...place, before: before + 1 })}}`;
      case "map":
        return `#{${this.#pairs(term, { ...inside, column: column + 2, indent: indent + 2 })}}`;
      case "bytes":
        return this.#bytes(term, { ...place, column: column + 2, indent: indent + 2 });
      default:
        return onOneLine(term);
    }
  }

  /** @throws {RangeError} if there are too many. */
  #newLine(indent: number): string {
    this.#spaces += indent;
    if (this.#spaces > MOST_SPACES) throw new RangeError("indented too far");
    return `\n${" ".repeat(indent)}`;
  }

  #tagged(term: Measured, place: Place): string {
    if (term.items.length === 0) return onOneLine(term.tail!);
    const tag = onOneLine(term.items[0]);
    const length = term.items[0].length;
    const { newLine, by } = behindTag(term, this.#page);
    const { column, indent, before } = place;
    const inside = { ...place, column: column + by, indent: indent + by };
    if (newLine) {
      const start = { column: column + length + 2, before: before + length };
      return tag + this.#rest(term, 1, inside, start, ",");
    }
    return `${tag},${this.#items(term, 1, { ...inside, before: before + length + 1 }, ",")}`;
  }

  /** The elements from `first` on, the first of them without anything in front. */
  #items(term: Measured, first: number, place: Place, bar: string): string {
    if (first >= term.items.length) return onOneLine(term.tail!);
    const closing = closingAt(term, first, place.closing);
    const [text, length] = this.#element(term.items[first], { ...place, closing });
    const start = { column: place.column + length, before: place.before + length };
    return text + this.#rest(term, first + 1, place, start, bar);
  }

  /** The elements from `first` on, each with a comma in front, on this line or a new one. */
  #rest(
    term: Measured,
    first: number,
    place: Place,
    start: { column: number; before: number },
    bar: string,
  ): string {
    let text = "";
    let { column, before } = start;
    for (let i = first; i < term.items.length; i++) {
      const item = term.items[i];
      const closing = closingAt(term, i, place.closing);
      const length = item.length + 1;
      if (isLeaf(item) && mayFollow(this.#page, length, { ...place, column, before }, closing)) {
        text += `,${onOneLine(item)}`;
        column += length;
        before += length;
      } else {
        const [printed, taken] = this.#element(item, { ...place, closing, before: 0 });
        text += `,${this.#newLine(place.indent)}${printed}`;
        column = place.column + taken;
        before = taken;
      }
    }
    const { tail } = term;
    return tail === null ? text : text + this.#tail(tail, place, { column, before }, bar);
  }

  #tail(
    tail: Measured,
    place: Place,
    { column, before }: { column: number; before: number },
    bar: string,
  ): string {
    if (tail.kind === "dots") return bar + tail.text;
    const closing = place.closing + 1;
    const here = { ...place, column, before, closing };
    if (isLeaf(tail) && hasRoom(this.#page, tail.length + 1, here)) return bar + onOneLine(tail);
    const text = this.print(tail, { ...place, closing, before: 0 });
    return `${bar}${this.#newLine(place.indent)}${text}`;
  }

  /** An element and the columns that it takes; what is no leaf takes the whole line, so that a new one begins behind it. */
  #element(term: Measured, place: Place): [string, number] {
    if (isLeaf(term) && hasRoom(this.#page, term.length, place)) {
      return [onOneLine(term), term.length];
    }
    return [this.print(term, place), this.#page.width];
  }

  #pairs(term: Measured, place: Place): string {
    let text = "";
    let { column, before } = place;
    term.items.forEach((pair, i) => {
      const closing = closingAt(term, i, place.closing);
      const length = pair.length + 1;
      if (i === 0) {
        const [printed, taken] = this.#pair(pair, { ...place, closing });
        text += printed;
        column = place.column + taken;
        before = taken;
      } else if (
        isLeafPair(pair) && mayFollow(this.#page, length, { ...place, column, before }, closing)
      ) {
        text += `,${onOneLine(pair)}`;
        column += length;
        before += length;
      } else {
        const [printed, taken] = this.#pair(pair, { ...place, closing, before: 0 });
        text += `,${this.#newLine(place.indent)}${printed}`;
        column = place.column + taken;
        before = taken;
      }
    });
    return term.tail === null ? text : `${text},...`;
  }

  #pair(pair: Measured, place: Place): [string, number] {
    const { width } = this.#page;
    if (hasRoom(this.#page, pair.length, place)) {
      return [onOneLine(pair), isLeafPair(pair) ? pair.length : width];
    }
    const [key, value] = pair.items;
    const by = valueIndent(this.#page);
    const inside = { ...place, column: place.column + by, indent: place.indent + by, before: 0 };
    const first = this.print(key, place);
    const line = this.#newLine(inside.indent);
    return [`${first} =>${line}${this.print(value, inside)}`, width];
  }

  #bytes({ parts }: Measured, { column, indent, closing, before }: Place): string {
    const { width, most } = this.#page;
    const all = Math.max(8, Math.min(width - column, most - 4 - before) - closing);
    let text = "<<";
    let left = all;
    parts.forEach((part, i) => {
      if (i === parts.length - 1) {
        text += part.length > left ? this.#newLine(indent) + part : part;
        return;
      }
      left -= part.length + 1;
      if (left < 0) {
        text += this.#newLine(indent);
        left = all - part.length - 1;
      }
      text += `${part},`;
    });
    return `${text}>>`;
  }
}

/** Whether no indentation goes beyond half the line, unless all there is has room behind it. */
function fits(term: Measured, page: Page, place: Place): boolean {
  try {
    return check(term, page, place);
  } catch (error) {
    if (error === TOO_FAR) return false;
    throw error;
  }
}

const TOO_FAR = new Error("indented too far");

function check(term: Measured, page: Page, place: Place): true {
  if (hasRoom(page, term.length, place)) return true;
  const { column, before } = place;
  switch (term.kind) {
    case "list":
    case "tuple":
      return checkItems(term, 0, page, { ...place, column: column + 1, before: before + 1 });
    case "tagged":
      return checkTagged(term, page, { ...place, before: before + 1 });
    case "map":
      return checkPairs(term, page, { ...place, column: column + 2, before: before + 2 });
    default:
      return true;
  }
}

function checkTagged(term: Measured, page: Page, place: Place): true {
  if (term.items.length === 0) return true;
  const { width, most } = page;
  const { length } = term.items[0];
  const { newLine, by } = behindTag(term, page);
  const column = place.column + by;
  const half = Math.floor(width / 2);
  if (newLine) {
    if (!(most + column <= width || column <= half)) throw TOO_FAR;
    const start = { column: place.column + length + 2, before: place.before + length };
    return checkRest(term, 1, page, { ...place, column }, start);
  }
  if (!(most + column < width || column < half)) throw TOO_FAR;
  return checkItems(term, 1, page, { ...place, column, before: place.before + length + 1 });
}

function checkItems(term: Measured, first: number, page: Page, place: Place): true {
  if (first >= term.items.length) return true;
  const closing = closingAt(term, first, place.closing);
  const length = checkElement(term.items[first], page, { ...place, closing });
  const start = { column: place.column + length, before: place.before + length };
  return checkRest(term, first + 1, page, place, start);
}

function checkRest(
  term: Measured,
  first: number,
  page: Page,
  place: Place,
  start: { column: number; before: number },
): true {
  let { column, before } = start;
  for (let i = first; i < term.items.length; i++) {
    const item = term.items[i];
    const closing = closingAt(term, i, place.closing);
    const length = item.length + 1;
    if (isLeaf(item) && mayFollow(page, length, { ...place, column, before }, closing)) {
      column += length;
      before += length;
    } else {
      const taken = checkElement(item, page, { ...place, closing, before: 0 });
      column = place.column + taken;
      before = taken;
    }
  }
  const { tail } = term;
  if (tail === null || tail.kind === "dots") return true;
  const closing = place.closing + 1;
  if (isLeaf(tail) && hasRoom(page, tail.length + 1, { ...place, column, before, closing })) {
    return true;
  }
  return check(tail, page, { ...place, closing, before });
}

function checkElement(term: Measured, page: Page, place: Place): number {
  if (isLeaf(term) && hasRoom(page, term.length, place)) return term.length;
  check(term, page, place);
  return page.width;
}

function checkPairs(term: Measured, page: Page, place: Place): true {
  let { column, before } = place;
  term.items.forEach((pair, i) => {
    const closing = closingAt(term, i, place.closing);
    const length = pair.length + 1;
    if (i === 0) {
      const taken = checkPair(pair, page, { ...place, closing });
      column += taken;
      before += taken;
    } else if (isLeafPair(pair) && mayFollow(page, length, { ...place, column, before }, closing)) {
      column += length;
      before += length;
    } else {
      const taken = checkPair(pair, page, { ...place, closing, before: 0 });
      column = place.column + taken;
      before = taken;
    }
  });
  return true;
}

function checkPair(pair: Measured, page: Page, place: Place): number {
  if (hasRoom(page, pair.length, place)) return isLeafPair(pair) ? pair.length : page.width;
  const [key, value] = pair.items;
  check(key, page, place);
  check(value, page, { ...place, column: place.column + valueIndent(page), before: 0 });
  return page.width;
}
