import { type Word, literalWord } from "../call/word.ts";
import { type Draft, doubt, raise } from "./draft.ts";
import { readAwk } from "./languages/awk.ts";
import { readGitSetting } from "./languages/git-setting.ts";
import { readJq } from "./languages/jq.ts";
import { readSed } from "./languages/sed.ts";
import type { PathAction } from "./reading.ts";
import type { CommandClass, ValueKind } from "./spec.ts";

const EFFECT_CLASS: Readonly<Record<PathAction, CommandClass>> = {
  read: "read-only",
  write: "file-modifying",
  delete: "file-modifying",
  run: "runs-code",
};

/** Files `word` under what a value of `kind` means. */
export function take(draft: Draft, kind: ValueKind, word: Word): void {
  const path = (action: PathAction, named: Word = word): void => {
    draft.effects.push({ action, word: named, bases: [...draft.bases], recursive: draft.recursive });
    raise(draft, EFFECT_CLASS[action]);
  };
  switch (kind) {
    case "text":
      return;
    case "git-setting":
      return readGitSetting(draft, word, "-c");
    case "git-revision":
    case "git-pathspec":
      for (const named of gitPaths(word)) path("read", named);
      return;
    case "read":
      return path("read");
    case "write":
      return path("write");
    case "delete":
      return path("delete");
    case "update":
      path("read");
      return path("write");
    case "run":
      path("read");
      return path("run");
    case "cd":
      draft.bases.push(word);
      return path("read");
    case "list":
      path("read");
      return doubt(draft, "path.unknown", `the paths are listed in \`${word.raw}\``, word);
    case "url":
      draft.urls.push(word);
      return;
    case "upload": {
      const file = /^(?:[\w.-]*=?)[@<](.+?)(?:;[\w-]+=.*)?$/.exec(word.text)?.[1];
      if (file !== undefined) path("read", { ...word, text: file, glob: undefined });
      return;
    }
    case "shell":
      draft.inner.push({ kind: "shell", word, bases: [...draft.bases] });
      return raise(draft, "read-only");
    case "code":
      draft.inner.push({ kind: "code", language: draft.language, word });
      for (const name of pathsIn(word.text)) {
        draft.effects.push({
          action: "read",
          word: literalWord(name, word.span),
          bases: [],
          recursive: false,
          hint: true,
        });
      }
      return raise(draft, "runs-code");
    case "command":
      return;
    case "assignment":
      draft.assignments.push(word);
      return;
    case "sed-script":
      return readSed(draft, word);
    case "awk-program":
      return readAwk(draft, word);
    case "jq-filter":
      return readJq(draft, word);
  }
}

/** Names in a piece of code that look like paths: string literals without blanks that start or go on with a slash, a dot or a tilde. */
function pathsIn(code: string): readonly string[] {
  const found: string[] = [];
  for (const match of code.matchAll(/["'`]((?:~|\.{0,2}\/|\.)[\w./~@+-]{2,200})["'`]/g)) {
    if (found.length < 16 && match[1] !== undefined) found.push(match[1]);
  }
  return found;
}

/**
 * The paths an argument of git can name: itself, what follows the colon of `REV:path` and
 * `:0:path`, and a pathspec without its magic. `:!x` and `:(exclude)x` take away and name none.
 * A star is a pattern of git's own, quoted or not (gitglossary(7), gitrevisions(7)).
 */
export function gitPaths(word: Word): readonly Word[] {
  const { text } = word;
  if (/^:[!^]/.test(text)) return [];
  const magic = /^:\(([^)]*)\)/.exec(text);
  if (magic?.[1]?.split(",").includes("exclude") === true) return [];
  const names =
    magic === null ? [text.replace(/^:\//, "").replace(/^:(?:\d:)?/, "")] : [text.slice(magic[0].length)];
  if (magic === null) names.push(text.slice(text.indexOf(":") + 1), text.slice(text.lastIndexOf(":") + 1));
  return [...new Set(names)]
    .filter((name) => name !== "")
    .map((name) => ({
      ...word,
      text: name,
      glob: /[*?[]/.test(name) ? (name === text ? (word.glob ?? name) : name) : undefined,
    }));
}
