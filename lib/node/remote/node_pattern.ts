import { Globs } from "../globs.ts";

/** A text that stands for node names: a name, or a pattern in which `*` is any text, as `*@db.example.org`, `app*@*`, `*`. */
export class NodePattern {
  readonly text: string;
  readonly #globs: Globs;

  /** @throws {TypeError} if it can be no node's. */
  constructor(text: string) {
    if (
      typeof text !== "string" || !/^[!-?A-~\u00a1-\u00ff]*@?[!-?A-~\u00a1-\u00ff]*$/.test(text)
    ) {
      throw new TypeError(`Cannot use node ${JSON.stringify(text)}: ${FORM}`);
    }
    if (!text.includes("*") && !/^[^@]+@[^@]+$/.test(text)) {
      throw new TypeError(`Cannot use node ${JSON.stringify(text)}: ${FORM}`);
    }
    this.text = text;
    this.#globs = new Globs([text]);
  }

  /** Whether it is a name, which stands for that node alone. */
  get exact(): boolean {
    return !this.text.includes("*");
  }

  matches(node: string): boolean {
    return this.#globs.fit(node);
  }
}

const FORM = "it must be name@host, or a pattern as *@host";

/** Who may connect and be connected to, as `net_kernel:allow/1`: everybody as long as nobody was named. */
export class AllowList {
  #patterns: NodePattern[] | null;

  /** @throws {TypeError} if one is neither a node name nor a pattern. */
  constructor(nodes?: readonly string[]) {
    this.#patterns = nodes === undefined ? null : nodes.map((node) => new NodePattern(node));
  }

  /** @throws {TypeError} if one is neither a node name nor a pattern; then none is added. */
  add(nodes: readonly string[]): void {
    const patterns = nodes.map((node) => new NodePattern(node));
    this.#patterns = [...this.#patterns ?? [], ...patterns];
  }

  allows(node: string): boolean {
    return this.#patterns === null || this.#patterns.some((pattern) => pattern.matches(node));
  }
}
