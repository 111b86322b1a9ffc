import { spawnSync } from "node:child_process";
import { HOLE, type Word, knownPrefix } from "../../../src/core/call/word.ts";
import { normalise } from "../../../src/core/call/path.ts";
import type { RedirectEffect, Script } from "../../../src/core/shell/script.ts";

/** Where a script is run, its home, and the files that are there beforehand, inside the jail. */
export const PLACE = "/tmp/box/t/w";
export const HOME = "/tmp/box/t/home";

/**
 * Runs the scripts it reads NUL by NUL, each in a bash of its own, in a directory that is as new.
 * Every name bash does not find ends in \`command_not_found_handle\`, which records it with its
 * arguments: so every program is a stub. \`p1\` and \`p2\` are files, for the programs that run others.
 */
const DRIVER = `
box=/tmp/box
kept=("$box/t/w/f1" "$box/t/w/f2" "$box/t/w/d/f3")
fresh() {
  /bin/rm -rf "$box/t"
  /bin/mkdir -p "$box/t/w/d/e" "$box/t/home"
  for file in "\${kept[@]}"; do printf '%s' keep > "$file"; done
}
command_not_found_handle() {
  local file read=()
  for file in /tmp/box/t/w/f1 /tmp/box/t/w/f2 /tmp/box/t/w/d/f3; do
    if [[ /dev/fd/0 -ef $file ]]; then read=(read 1 "$file"); fi
  done
  printf '%s\\0' run "$#" "$@" "\${read[@]}" >> /tmp/box/log
  [[ $1 != *[24] ]]
}
export -f command_not_found_handle
/bin/mkdir -p "$box/bin"
for name in env xargs nice timeout; do /bin/ln -s "/usr/bin/$name" "$box/bin/$name"; done
/bin/ln -s /bin/bash "$box/bin/bash"
/bin/ln -s /bin/bash "$box/bin/sh"
for name in p1 p2; do
  { printf '#!/bin/bash\\n'; declare -f command_not_found_handle; printf 'command_not_found_handle "\${0##*/}" "$@"\\n'; } > "$box/bin/$name"
  /bin/chmod +x "$box/bin/$name"
done
ulimit -t 2 -f 256 -c 0
shopt -s globstar dotglob nullglob
fresh
while IFS= read -r -d '' text; do
  : > "$box/log"
  # Whatever the script started holds the descriptor; a script that never ends is killed, in a namespace of its own.
  exec {end}< <( { cd "$box/t/w" && exec /bin/bash --norc --noprofile -c "$text"; } 77>&1 >/dev/null 2>&1 </dev/null )
  read -r -t 5 -u "$end" || [[ $? -le 128 ]] || kill -KILL -1
  exec {end}<&-
  mapfile -t -d '' log < "$box/log"
  changed=()
  for file in "$box"/t/**; do
    [[ -d $file ]] && continue
    if [[ " \${kept[*]} " != *" $file "* || ! -f $file || $(<"$file") != keep ]]; then changed+=(write 1 "$file"); fi
  done
  for file in "\${kept[@]}"; do [[ -e $file ]] || changed+=(write 1 "$file"); done
  printf '%s\\0' "\${log[@]}" "\${changed[@]}" end 0
  if [[ \${#changed[@]} -gt 0 ]]; then fresh; fi
done
`;

/** Something bash really did: started a program, read or wrote a file. */
export interface Deed {
  readonly kind: "run" | "read" | "write";
  readonly words: readonly string[];
}

const JAIL = [
  "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
  "--tmpfs", "/tmp", "--dir", "/tmp/box", "--clearenv", "--setenv", "LC_ALL", "C.UTF-8", "--setenv", "HOME", HOME,
  "--setenv", "PATH", "/tmp/box/bin", "--setenv", "FUNCNEST", "5", "--chdir", "/tmp/box",
]; // prettier-ignore

/** Whether scripts can be locked up on this machine. */
export function haveJail(): boolean {
  return spawnSync("bwrap", [...JAIL, "/bin/bash", "-c", ":"]).status === 0;
}

/** What each script did in a real bash; throws where the jail itself fails. */
export function runScripts(texts: readonly string[]): readonly (readonly Deed[])[] {
  const { stdout, status, error, stderr } = spawnSync(
    "bwrap",
    [...JAIL, "/bin/bash", "--noprofile", "--norc", "-c", DRIVER],
    {
      input: texts.map((text) => `${text}\0`).join(""),
      encoding: "utf8",
      maxBuffer: 1 << 28,
      timeout: 600_000,
    },
  );
  if (error !== undefined || status !== 0)
    throw error ?? new Error(`the jail ended with ${String(status)}: ${stderr}`);
  const fields = stdout.split("\0");
  const runs: Deed[][] = [];
  let deeds: Deed[] = [];
  for (let at = 0; at + 1 < fields.length;) {
    const kind = fields[at];
    const count = Number(fields[at + 1]);
    const words = fields.slice(at + 2, at + 2 + count);
    at += 2 + count;
    if (kind === "run" || kind === "read" || kind === "write") deeds.push({ kind, words });
    else if (kind === "end") {
      runs.push(deeds);
      deeds = [];
    } else throw new Error(`the jail's record cannot be read at ${JSON.stringify(kind)}`);
  }
  return runs;
}

/** The analysis does not claim to know the script. */
export function isDoubtful(script: Script): boolean {
  return script.doubts.length > 0 || script.invocations.some(({ words }) => words[0]?.unknown !== undefined);
}

/** The first deed the analysis does not speak of. */
export function unforeseen(script: Script, deeds: readonly Deed[]): Deed | undefined {
  return deeds.find(({ kind, words }) =>
    kind === "run"
      ? !script.invocations.some((invocation) => fits(invocation.words, words))
      : !script.redirects.some(
          // A descriptor that was opened for writing may be copied to where a program reads.
          (redirect) => (kind === "read" || redirect.action === kind) && reaches(redirect, words[0] ?? ""),
        ),
  );
}

/** Whether the words of an analysis can have become these arguments. */
function fits(words: readonly Word[], argv: readonly string[]): boolean {
  const [word, ...rest] = words;
  if (word === undefined) return argv.length === 0;
  const [first, ...others] = argv;
  if (word.mayVanish && fits(rest, argv)) return true;
  if (first === undefined) return false;
  const several = word.maySplit || word.glob !== undefined;
  if (!several) return mayBe(word, first) && fits(rest, others);
  // Which of several pieces a text is a part of does not matter here.
  if (!word.maySplit && !mayBe(word, first)) return false;
  return fits(rest, others) || fits(words, others);
}

function mayBe(word: Word, text: string): boolean {
  // Which descriptor a process substitution gets is not told.
  if (word.text === text.replace(/^\/dev\/fd\/\d+$/, "/dev/fd/63")) return true;
  if (word.glob !== undefined) return text.startsWith(knownPrefix(word));
  return word.unknown !== undefined && pattern(word.text).test(text);
}

function reaches(redirect: RedirectEffect, path: string): boolean {
  const { word, directories } = redirect;
  if (word.maySplit || word.glob !== undefined) return true;
  const known = pattern(word.text.startsWith("/") ? normalise(word.text) : word.text);
  if (word.text.startsWith("/")) return known.test(path);
  if (directories === undefined) return path.endsWith(word.text.replace(/^.*\uE000/s, ""));
  return directories.some((directory) => pattern(normalise(`${directory}/${word.text}`)).test(path));
}

function pattern(text: string): RegExp {
  const pieces = text.split(HOLE).map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${pieces.join("[^]*")}$`, "u");
}
