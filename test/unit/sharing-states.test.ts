/** Each directory of a shared walk is taken once, and what is given back is free again. */
import { describe, expect, test } from "bun:test";
import { DONE, FREE, OURS, States, THEIRS } from "../../lib/host/sharing/states.ts";

const ROOM_BYTES = 4 * 1024 * 1024;

describe("States", () => {
  test("gives a directory to the first who takes it", () => {
    const states = new States(3);
    const others = new States(states.words);
    expect(states.take(1, OURS)).toBe(FREE);
    expect(others.take(1, THEIRS)).toBe(OURS);
    expect(others.take(2, THEIRS)).toBe(FREE);
    others.settle(2, DONE);
    expect(states.take(2, OURS)).toBe(DONE);
  });

  test("gives back what could not be done", () => {
    const states = new States(1);
    states.take(0, THEIRS);
    states.settle(0, FREE);
    expect(states.take(0, OURS)).toBe(FREE);
  });

  test("finds the next that is free, not behind where the walk is", () => {
    const states = new States(5);
    states.position = 2;
    states.take(2, OURS);
    expect(states.takeNext(0, THEIRS)).toBe(3);
    expect(states.takeNext(0, THEIRS)).toBe(4);
    expect(states.takeNext(0, THEIRS)).toBeUndefined();
  });

  test("has room until too much waits, and again when that is written", () => {
    const states = new States(1);
    states.addWaiting(ROOM_BYTES);
    expect(states.hasRoom).toBe(true);
    states.addWaiting(1);
    expect(states.hasRoom).toBe(false);
    states.addWaiting(-1);
    expect(states.hasRoom).toBe(true);
    states.waitForRoom();
  });

  test("sees that another thread is alive", () => {
    const states = new States(1);
    const before = states.life;
    new States(states.words).showLife();
    expect(states.life).not.toBe(before);
  });
});
