import { HOLE, type Word, knownPrefix } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";
import { take } from "../take.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Tests and actions without an argument (findutils 4.9). */
const PLAIN = words(
  "-daystart -depth -d -follow -ignore_readdir_race -noignore_readdir_race -mount -xdev -noleaf -nowarn -warn -empty -executable -readable -writable -false -true -nogroup -nouser -print -print0 -prune -quit -ls -not -and -a -o -or , ! ( ) -help --help -version --version",
);
/** With one argument that is text. */
const TEXT = words(
  "-maxdepth -mindepth -regextype -amin -atime -cmin -ctime -mmin -mtime -fstype -gid -group -ilname -iname -inum -ipath -iregex -iwholename -links -lname -name -path -perm -regex -size -type -uid -used -user -wholename -xtype -context -printf",
);
/** With one argument that is a file that is only looked at. */
const FILE = words("-anewer -cnewer -newer -samefile");
const WRITES = words("-fprint -fprint0 -fls -fprintf");
const RUNS = words("-exec -execdir -ok -okdir");

/** `find`: start points are searched, actions may run, write or delete. */
export function readFind(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "read-only");
  let at = 0;
  for (; at < operands.length; at++) {
    const text = operands[at]?.text ?? "";
    if (text === "-H" || text === "-L" || text === "-P") continue;
    if (text === "-D") at++;
    else if (!/^-O\d*$/.test(text)) break;
  }
  const starts: Word[] = [];
  for (; at < operands.length; at++) {
    const word = operands[at];
    if (word === undefined || /^[-(),!]/.test(knownPrefix(word))) break;
    if (knownPrefix(word) === "")
      doubt(draft, "cmd.dynamic", `\`${word.raw}\` may become an action of find`, word);
    starts.push(word);
    take(draft, "read", word);
  }
  if (starts.length === 0) {
    const span = operands[0]?.span ?? { start: 0, end: 0 };
    const here: Word = { raw: ".", span, text: ".", maySplit: false, mayVanish: false };
    starts.push(here);
    take(draft, "read", here);
  }
  for (; at < operands.length; at++) {
    const word = operands[at];
    if (word === undefined) break;
    const text = word.text;
    if (word.unknown !== undefined || word.glob !== undefined) {
      doubt(draft, "cmd.dynamic", `\`${word.raw}\` may become an action of find`, word);
    } else if (PLAIN.has(text)) {
      continue;
    } else if (TEXT.has(text) || /^-newer[aBcmt][aBcmt]$/.test(text)) {
      at++;
      const value = operands[at];
      // An unquoted pattern may become several words, and one of them an action.
      if (value?.glob !== undefined || value?.maySplit === true) {
        doubt(draft, "cmd.dynamic", `\`${value.raw}\` is not quoted and may become an action of find`, value);
      }
    } else if (FILE.has(text)) {
      at++;
      const value = operands[at];
      if (value !== undefined) take(draft, "read", value);
    } else if (text === "-files0-from") {
      at++;
      const value = operands[at];
      if (value !== undefined) take(draft, "list", value);
    } else if (WRITES.has(text)) {
      draft.reaching.push(text);
      at++;
      const value = operands[at];
      if (value !== undefined) take(draft, "write", value);
      if (text === "-fprintf") at++;
    } else if (text === "-delete") {
      draft.reaching.push(text);
      for (const start of starts)
        draft.effects.push({ action: "delete", word: start, bases: [], recursive: true });
      raise(draft, "file-modifying");
      draft.dangers.push({
        code: "cmd.destructive",
        why: "deletes everything it finds",
        instead: "run it with `-print` first",
        span: word.span,
      });
    } else if (RUNS.has(text)) {
      draft.reaching.push(text);
      at = runs(draft, operands, at, starts);
    } else {
      doubt(
        draft,
        "cmd.option-unlisted",
        `\`${text}\` is no test or action of find that is known here`,
        word,
      );
    }
  }
}

/** Files the command of an `-exec`; returns the position of its terminator. */
function runs(draft: Draft, operands: readonly Word[], action: number, starts: readonly Word[]): number {
  let end = action + 1;
  while (
    end < operands.length &&
    operands[end]?.text !== ";" &&
    !(operands[end]?.text === "+" && operands[end - 1]?.text === "{}")
  )
    end++;
  const inner = operands.slice(action + 1, end).map((word): Word => {
    if (!word.text.includes("{}")) return word;
    const only = starts.length === 1 ? starts[0] : undefined;
    // What is found lies below the start point; its known beginning keeps removals judged by it.
    const prefix = only === undefined || knownPrefix(only) === "" ? "" : `${only.text.replace(/\/+$/, "")}/`;
    return { ...word, text: word.text.replaceAll("{}", prefix + HOLE), unknown: "input" };
  });
  if (inner.length > 0) draft.inner.push({ kind: "argv", words: inner, bases: [] });
  raise(draft, "runs-code", "runs a command for every file it finds");
  return end;
}
