import { compileGlob, matchGlob } from "../call/glob.ts";
import { baseOf } from "../call/path.ts";
import type { Word } from "../call/word.ts";
import type { Invocation, Script } from "../shell/script.ts";
import { compileWildcard, surelyMatches } from "./wildcard.ts";

/** The `find` whose finds an invocation is run on: by `-exec`, or by xargs behind it in a pipeline. */
export function finderOf(script: Script, invocation: Invocation): Invocation | undefined {
  for (
    let above = script.invocations[invocation.parent ?? -1];
    above !== undefined;
    above = script.invocations[above.parent ?? -1]
  ) {
    const [name] = above.reading.path;
    if (name === "find") return above;
    const { pipe } = above;
    if (pipe === undefined || pipe.stage === 0 || (name !== "xargs" && name !== "parallel")) continue;
    return script.invocations.find(
      ({ reading, pipe: other }) => reading.path[0] === "find" && other?.pipeline === pipe.pipeline,
    );
  }
  return undefined;
}

type Test = (path: string) => boolean;

/**
 * Whether `find` with these words may find a path, by its tests of names. Says yes wherever it does
 * not follow: what it follows are alternatives of names, and tests that are turned round count as met.
 */
export function mayFind(words: readonly Word[]): Test {
  const branches: Test[][] = [[]];
  for (let at = 1; at < words.length; at++) {
    const text = words[at]?.text ?? "";
    if (/^-(?:exec|execdir|ok|okdir)$/.test(text)) break;
    if (text === ",") return () => true;
    if (text === "-o" || text === "-or") branches.push([]);
    else if (text === "!" || text === "-not") {
      // Only tests of names are known to take one word.
      if (testOf(words[at + 1]?.text ?? "", words[at + 2]) === undefined) return () => true;
      at += 2;
    } else {
      const test = testOf(text, words[at + 1]);
      if (test === undefined) continue;
      branches.at(-1)?.push(test);
      at++;
    }
  }
  if (branches.some((tests) => tests.length === 0)) return () => true;
  return (path) => branches.some((tests) => tests.every((test) => test(path)));
}

function testOf(option: string, value: Word | undefined): Test | undefined {
  const [, letter, kind] = /^-(i?)(name|path|wholename)$/.exec(option) ?? [];
  if (kind === undefined || value === undefined) return undefined;
  if (value.unknown !== undefined || value.glob !== undefined) return () => true;
  const fold = (text: string): string => (letter === "i" ? text.toLowerCase() : text);
  const pattern = fold(value.text);
  if (kind === "name") {
    const glob = compileGlob(pattern);
    return (path) => matchGlob(glob, fold(baseOf(path)));
  }
  // Here a star crosses slashes, and the path begins with the start point as it is written.
  if (/[?[\\]/.test(pattern)) return () => true;
  const end = compileWildcard(pattern.startsWith("/") ? pattern : `*${pattern.replace(/^\.(?=\/)/, "")}`);
  return (path) => surelyMatches(end, fold(path));
}
