import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOLE } from "../../../src/core/call/word.ts";
import { analyse } from "../../../src/core/shell/analyse.ts";
import { builtInTables } from "../../../src/host/tables.ts";
import { runInBash } from "./bash.ts";

const tables = builtInTables();

/** Pieces of words in every form of quoting that bash knows. */
const PIECES = [
  "a", "B7", "-x", "--long=v", ".", "/", "/etc", "=", ":", ",", "@", "%", "+", "^", "!",
  "'s q'", "'$X'", "''", "'a\\b'", '"d q"', '"$X"', '"${X}"', '"a\\"b"', '"\\$X"', '"\\n"', '""',
  "\\ ", "\\'", "\\\\", "\\$", "\\*", "\\~", "$'t\\tn'", "$'\\x41'", "$'\\''", '$"loc"',
  "$X", "${X}", "$EMPTY", "$HOME", "${HOME}", "~", "~/", "~root", "k=~/v", "k=v:~/w",
  "{p,q}", "{1..3}", "{a..c}", "{,z}", "{one}", "{", "}", "{p,{q,r}}", "{3..1}", "{01..3}", "{x..}",
  "*", "?", "[ab]", "[", "]", "#", "#c", "é", "日本", "\\\n",
]; // prettier-ignore
const SEPARATORS = [" ", "  ", "\t"];
const JOINERS = ["; ", " && ", "\n", " ;argv ", "&&argv "];

const word = fc
  .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(""));
const command = fc
  .array(fc.tuple(fc.constantFrom(...SEPARATORS), word), { maxLength: 5 })
  .map((words) => `argv${words.map(([gap, text]) => gap + text).join("")}`);
const script = fc
  .tuple(
    fc.constantFrom("", "X=1; ", "X='a b'; ", "X='*'\n", "X=; ", "EMPTY=; X=$HOME/z; ", "X=~/q; "),
    fc.array(fc.tuple(command, fc.constantFrom(...JOINERS)), { minLength: 1, maxLength: 3 }),
  )
  .map(([head, commands]) => head + commands.map(([text, joiner]) => text + joiner).join("") + "argv end");

/** Arguments as bash would get them; undefined where cordon does not claim to know them all. */
function argumentsOf(text: string): readonly (readonly string[])[] | undefined {
  const { invocations: all, doubts } = analyse(text, "/empty", "/home/user", tables);
  const invocations = all.filter(({ guessed }) => guessed !== true);
  if (doubts.length > 0) return undefined;
  if (
    invocations.some(({ words }) =>
      words.some((each) => each.unknown !== undefined || each.text.includes(HOLE)),
    )
  )
    return undefined;
  // A word that ran as a command failed, and what follows it may not have run.
  if (invocations.some(({ words }) => words[0]?.text !== "argv")) return undefined;
  return invocations.map(({ words }) => words.slice(1).map((each) => each.text));
}

describe("words", () => {
  it("become what a real bash makes of them", () => {
    const texts = fc.sample(script, { numRuns: Number(process.env["CORDON_DEEP"] ?? 1) * 4000, seed: 20_26 });
    const runs = runInBash(texts);
    expect(runs).toHaveLength(texts.length);
    let compared = 0;
    const wrong: unknown[] = [];
    texts.forEach((text, at) => {
      const run = runs[at];
      const ours = argumentsOf(text);
      // A text that bash itself refuses says nothing about words.
      if (ours === undefined || run === undefined || run.calls.at(-1)?.[0] !== "end") return;
      compared++;
      if (JSON.stringify(ours) !== JSON.stringify(run.calls)) wrong.push({ text, ours, bash: run.calls });
    });
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(compared / texts.length).toBeGreaterThan(0.3);
  }, 600_000);
});
