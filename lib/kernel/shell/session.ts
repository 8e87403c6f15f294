import { atom } from "../../etf/atom.ts";
import * as t from "../../etf/schema/t.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Self } from "../../node/process/self.ts";
import { formatText } from "../io/format.ts";
import { getLine, putChars } from "../io/io.ts";
import { IoError } from "../io/io_request.ts";
import { completed, type Completion } from "./completion.ts";
import { Evaluator } from "./evaluator.ts";
import { isIncomplete } from "./source.ts";

const INTERRUPT = atom("interrupt");
const INTERRUPTED = atom("interrupted");
const EXITED = t.tuple(t.atom("EXIT"), t.pid, t.term);

/** What leaves a line that is being typed. */
const BREAK = ".break";

/** One user at the shell: a process that reads lines from its group leader, runs them, and prints what comes of them there. */
export class Session {
  readonly #self: Self;
  readonly #evaluator: Evaluator;
  #isOver = false;
  #interrupt: () => void = () => {};

  constructor(self: Self, scope: Readonly<Record<string, unknown>>) {
    self.trapExit = true;
    this.#self = self;
    this.#evaluator = new Evaluator({
      ...scope,
      self,
      console: this.#console(),
      exit: () => void (this.#isOver = true),
    });
  }

  /** Until the user leaves, or is gone. */
  async run(banner: string): Promise<void> {
    void this.#watch();
    try {
      await putChars(this.#self, banner);
      for (let count = 1; !this.#isOver; count++) {
        const code = await this.#read(`(${this.#self.node.name})${count}> `);
        if (code === null) return;
        if (code.trim() === "") count--;
        else await this.#evaluate(code);
      }
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      // The terminal is gone.
    }
  }

  complete(line: string): Promise<Completion> {
    return completed(this.#evaluator, line);
  }

  /** What is typed, to the end of a statement; `null` at the end of the input. */
  async #read(prompt: string): Promise<string | null> {
    let code = "";
    for (;;) {
      let line: string | null;
      try {
        line = await getLine(this.#self, code === "" ? prompt : "... ");
      } catch (error) {
        if (!(error instanceof IoError) || error.reason !== INTERRUPTED) throw error;
        return "";
      }
      if (line === null) return null;
      if (line.trim() === BREAK) return "";
      code += line;
      if (!isIncomplete(code)) return code;
    }
  }

  async #evaluate(code: string): Promise<void> {
    const interrupted = new Promise<never>((_, reject) => {
      this.#interrupt = () => reject(new Error("interrupted; what was begun may go on"));
    });
    try {
      const { hasValue, value } = await Promise.race([this.#evaluator.run(code), interrupted]);
      if (isThenable(value)) this.#follow(value);
      if (hasValue && !this.#isOver) await this.#print(this.#inspect(value));
    } catch (error) {
      if (error instanceof IoError) throw error;
      await this.#print(`Uncaught ${this.#errorText(error)}`);
    } finally {
      this.#interrupt = () => {};
      interrupted.catch(() => {});
    }
  }

  /** A promise that nobody waits for must not end the program by being rejected. */
  #follow(promise: PromiseLike<unknown>): void {
    promise.then(undefined, (error: unknown) => {
      this.#print(`Uncaught (in promise) ${this.#errorText(error)}`).catch(() => {});
    });
  }

  async #print(text: string): Promise<void> {
    if (!this.#self._process.exited) await putChars(this.#self, `${text}\n`);
  }

  #inspect(value: unknown): string {
    return this.#self._core.platform.inspect(value);
  }

  /** An error with its stack, up to where it comes into the shell. */
  #errorText(error: unknown): string {
    if (error instanceof SyntaxError) return `SyntaxError: ${error.message}`; // what was typed is on the screen
    const shown: string[] = [];
    for (const line of this.#inspect(error).split("\n")) {
      if (!/\/kernel\/shell\/|node:internal|ext:core/.test(line)) shown.push(line);
      else if (line.endsWith(" {") && shown.length > 0) shown[shown.length - 1] += " {"; // its fields follow
    }
    return shown.join("\n");
  }

  /** Exit signals arrive while a line is read or run: an interrupt, or the end of the terminal or the node. All else is the user's. */
  async #watch(): Promise<void> {
    const { groupLeader } = this.#self;
    try {
      for (;;) {
        const [, from, reason] = await this.#self.receive(EXITED);
        if (reason === INTERRUPT) this.#interrupt();
        else if (from.equals(groupLeader) || from.equals(this.#self.node.pid)) {
          return this.#self._process.exit(reason);
        } else await this.#print(`*** ${formatText("~p has ended: ~0tp", [from, reason])}`);
      }
    } catch {
      // The process has ended.
    }
  }

  /** What a user prints appears at the shell, and not where the program runs. */
  #console(): Console {
    const print = (...values: unknown[]): void => {
      const text = values.map((value) => typeof value === "string" ? value : this.#inspect(value));
      this.#print(text.join(" ")).catch(() => {});
    };
    return { ...console, log: print, info: print, warn: print, error: print, debug: print };
  }
}
