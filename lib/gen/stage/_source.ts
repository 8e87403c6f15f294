import { atom } from "../../etf/atom.ts";
import { isThenable } from "../../_util/thenable.ts";
import type { Term } from "../../etf/term.ts";
import type { Events, Producer, ProducerSource } from "./producer.ts";

/** So many events are taken of a source at once that has them all at hand; then others have a turn. */
const AT_ONCE = 1_000;

const GO_ON = atom("$go_on");
const DONE = atom("$done");

type Step<Out> = IteratorResult<Out, unknown>;

/** A source, however it is read. */
interface Reader<Out> {
  next(): Step<Out> | PromiseLike<Step<Out>>;
  close(): unknown;
}

/** The class of producers that read such a source. */
export function sourceClass<Out>(
  source: ProducerSource<Out> | (() => ProducerSource<Out>),
  Base: abstract new () => Producer<Out>,
): new () => Producer<Out> {
  const open = typeof source === "function" ? source : () => source;
  checkSource(typeof source === "function" ? [] : source);

  return class SourceProducer extends Base {
    #reader!: Reader<Out>;
    #wanted = 0;
    #reads = false;
    #inRow = 0;
    #isDone = false;
    #ready: Out[] = [];

    override init(): void {
      const opened = open();
      checkSource(opened);
      this.#reader = readerOf(opened);
      this._process.own({ [Symbol.dispose]: () => this.#close() });
    }

    override handleDemand(demand: number): Events<Out> {
      this.#wanted += demand;
      if (!this.#reads && !this.#isDone) this.#read();
    }

    override handleInfo(message: Term): unknown {
      if (message === GO_ON) return this.#read();
      if (message === DONE) return this.stop();
      return super.handleInfo(message);
    }

    override formatState(): unknown {
      return { wanted: this.#wanted, done: this.#isDone };
    }

    /** Reads as long as the source has its events at hand. */
    #read(): void {
      this.#reads = true;
      this.#inRow = 0;
      for (let i = 0; i < AT_ONCE; i++) {
        if (this.#wanted === 0 || this.#isDone) return this.#pause();
        let step: Step<Out> | PromiseLike<Step<Out>>;
        try {
          step = this.#reader.next();
        } catch (error) {
          this.#flush(); // what came before goes out
          throw error;
        }
        if (isThenable(step)) {
          this.#flush();
          Promise.resolve(step).then(
            (value) => this.#later(value),
            (error) => this._process.crash(error),
          );
          return;
        }
        this.#took(step);
      }
      this.#flush();
      this._process.deliver(GO_ON);
    }

    /** What comes after others that came at the same time goes with them. */
    #later(step: Step<Out>): void {
      if (this._process.exited) return;
      this.#took(step);
      if (this.#wanted === 0 || this.#isDone) return void this._process.doNext(() => this.#pause());
      // A source that always has something at hand would leave nobody else a turn.
      if (++this.#inRow >= AT_ONCE) return void this._process.deliver(GO_ON);
      if (this.#ready.length === 1) this._process.doNext(() => this.#flush());
      // Where a node takes nothing more, nothing more is read for it.
      this._outbox.whenEmpty(() => this.#next());
    }

    #next(): void {
      if (this._process.exited || this.#isDone) return;
      Promise.resolve(this.#reader.next()).then(
        (value) => this.#later(value),
        (error) => this._process.crash(error),
      );
    }

    #took(step: Step<Out>): void {
      if (step.done) {
        this.#isDone = true;
        return;
      }
      this.#wanted--;
      this.#ready.push(step.value);
    }

    #pause(): void {
      this.#reads = false;
      this.#flush();
      if (this.#isDone) this._producing!.informInTurn(DONE);
      else if (this.#wanted > 0) this.#read(); // more was asked for meanwhile
    }

    #flush(): void {
      const events = this.#ready;
      this.#ready = [];
      this.emit(events);
    }

    #close(): void {
      if (this.#isDone) return;
      this.#isDone = true;
      this.#wanted = 0;
      try {
        Promise.resolve(this.#reader.close()).catch(() => {}); // nobody is left to be told
      } catch {
        // as before
      }
    }
  };
}

function checkSource(source: unknown): void {
  const isText = typeof source === "string";
  const object = typeof source === "object" && source !== null ? source : null;
  const readable = object !== null &&
    (Symbol.asyncIterator in object || Symbol.iterator in object || "getReader" in object);
  if (isText || readable) return;
  throw new TypeError(
    `Cannot make a producer from ${
      source === null ? "null" : typeof source
    }: something to iterate over, a ReadableStream, or a function that gives one is needed`,
  );
}

function readerOf<Out>(source: ProducerSource<Out>): Reader<Out> {
  if (typeof source === "object" && "getReader" in source) {
    const reader = source.getReader();
    // Of the end, a stream says nothing but that.
    return { next: () => reader.read() as Promise<Step<Out>>, close: () => reader.cancel() };
  }
  const iterator = typeof source === "object" && Symbol.asyncIterator in source
    ? source[Symbol.asyncIterator]()
    : (source as Iterable<Out>)[Symbol.iterator]();
  return { next: () => iterator.next(), close: () => iterator.return?.() };
}
