import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { SharedAnswer } from "../../lib/workers/_shared_answer.ts";

function bothSides(): { asks: SharedAnswer; answers: SharedAnswer } {
  const shared = new SharedArrayBuffer(1_024);
  return { asks: new SharedAnswer(shared), answers: new SharedAnswer(shared) };
}

const bytes = new Uint8Array([1, 2, 3]);

test("an answer that comes when nobody waits for it any more is not taken for the next one", () => {
  const { asks, answers } = bothSides();
  const first = asks.ask();
  assertEquals(asks.wait(1), null);
  assertEquals(answers.answer(first, { ok: true, bytes }), false);
  const second = asks.ask();
  assertEquals(answers.answer(first, { ok: true, bytes }), false);
  assertEquals(answers.answer(second, { ok: false, bytes: bytes.subarray(1) }), true);
  assertEquals(asks.wait(1), { ok: false, bytes: new Uint8Array([2, 3]) });
  assertEquals(answers.answer(second, { ok: true, bytes }), false);
});

test("an answer that is there before it is waited for counts, and so does one to each question", () => {
  const { asks, answers } = bothSides();
  for (let i = 0; i < 100; i++) {
    const answer = { ok: i % 2 === 0, bytes: bytes.subarray(i % 4) };
    assertEquals(answers.answer(asks.ask(), answer), true);
    assertEquals(asks.wait(60_000), answer);
  }
  assertEquals(asks.room, 1_024 - 16);
});

test("each side sees what the other has come to", () => {
  const { asks, answers } = bothSides();
  assertEquals(answers.checked, 0);
  asks.checked = 7;
  assertEquals(answers.checked, 7);
});
