/** A text that stands for node names: a name, or a pattern in which `*` is any text, as `*@db.example.org`, `app*@*`, `*`. */
export class NodePattern {
  readonly text: string;
  readonly #expression: RegExp | null;

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
    this.#expression = text.includes("*")
      ? new RegExp(`^${text.split("*").map(escaped).join(".*")}$`)
      : null;
  }

  /** Whether it is a name, which stands for that node alone. */
  get exact(): boolean {
    return this.#expression === null;
  }

  matches(node: string): boolean {
    return this.#expression === null ? node === this.text : this.#expression.test(node);
  }
}

const FORM = "it must be name@host, or a pattern as *@host";

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

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
