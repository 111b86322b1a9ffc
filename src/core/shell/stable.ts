import type { Collection } from "./collection.ts";
import { type ShellState, mergeStates, sameState } from "./environment.ts";

/** How often the body of one loop is walked, and how often all bodies are. */
const ROUNDS = 8;
const MOST_ROUNDS = 100;
/** How many ways out of the middle of a loop are told apart. */
const MOST_LEAVES = 64;

const unknown = (state: ShellState): ShellState => ({ ...state, directories: undefined, anyVariable: true });

/**
 * Repeats a body until its entry state no longer changes; what each round collects but the last is
 * dropped. A body that does not settle is walked a last time in a state of which nothing is known.
 */
export function stable(
  into: Collection,
  start: ShellState,
  body: (entry: ShellState) => ShellState,
): ShellState {
  let entry = start;
  // `break 2` leaves the outer loop too, so no loop takes away what it finds here.
  const left = into.left.length;
  const walked = (from: ShellState): ShellState => {
    const exit = mergeStates(from, body(from));
    const leaves = into.left.slice(left);
    return leaves.length > MOST_LEAVES ? unknown(exit) : leaves.reduce(mergeStates, exit);
  };
  const lists = [into.invocations, into.redirects, into.assigned, into.doubts, into.fed, into.left];
  for (let round = 0; round < ROUNDS && into.rounds++ < MOST_ROUNDS; round++) {
    const marks = lists.map((list) => list.length);
    const exit = walked(entry);
    if (sameState(exit, entry)) return exit;
    entry = exit;
    lists.forEach((list, at) => list.splice(marks[at] ?? 0));
  }
  return walked(unknown(entry));
}
