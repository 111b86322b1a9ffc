import { describe, expect, it } from "vitest";
import { judgeBash, modeNamed } from "./world.ts";

const KEY = "cat ~/.ssh/id_rsa";
const words = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `w${at}`);
const times = (count: number, text: string): string => Array.from({ length: count }, () => text).join("");
const numbered = (count: number, text: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => text(at)).join("");

function decide(command: string): string {
  expect(command.length).toBeLessThan(16_000);
  const { verdict, code } = judgeBash({ mode: modeNamed("bypassPermissions") }, command);
  return `${verdict} ${code}`;
}

describe("what is hidden behind much that is harmless", () => {
  const hidden: Readonly<Record<string, string>> = {
    "texts of shells": `${times(90, 'sh -c "$(echo true)"; ')}sh -c "$(echo ${KEY})"`,
    loops: `${times(90, "for a in x y; do echo $a; done; ")}for a in x ~/.ssh/id_rsa; do cat $a; done`,
    "words of a loop": `for a in ${words(40).join(" ")} ~/.ssh/id_rsa; do cat "$a"; done`,
    "lines of input": `printf '%s\\n' ${words(40).join(" ")} ~/.ssh/id_rsa | xargs -n1 cat`,
    "words of input": `echo ${words(900).join(" ")} ~/.ssh/id_rsa | xargs cat`,
    files: `${numbered(90, (at) => `echo true > f${at}; `)}echo '${KEY}' > x; sh x`,
    "calls of functions": `f(){ "$@"; }; ${times(90, "f true; ")}f ${KEY}`,
    "places that are not known": `cd ~/.ssh; . ./x; ${times(600, "cat a; ")}cat id_rsa`,
    "words of a program": `some-tool ${words(300).join(" ")} ~/.ssh/id_rsa`,
    "one long text": `sh -c "$(printf '%s' '${times(500, "true; ")}${KEY}')"`,
    "strings of code": `python3 -c 'x = [${numbered(200, (at) => `"a/b${at}",`)}]; os.system("${KEY}")'`,
  };
  for (const [name, command] of Object.entries(hidden))
    it(`is found: ${name}`, () => {
      expect(decide(command)).toBe("deny path.credential");
    });

  const cut: Readonly<Record<string, string>> = {
    "texts of shells": `${times(650, 'sh -c "$(echo true)"; ')}sh -c "$(echo ${KEY})"`,
    "loops in loops": `for a in ${words(30).join(" ")}; do for b in ${words(40).join(" ")}; do echo $a $b; done; done; for a in x ~/.ssh/id_rsa; do cat $a; done`,
    "words of a loop": `for a in ${words(400).join(" ")} ~/.ssh/id_rsa; do cat "$a"; done`,
    "lines of input": `printf '%s\\n' ${words(400).join(" ")} ~/.ssh/id_rsa | xargs -n1 cat`,
    "words of input": `echo ${words(1_500).join(" ")} ~/.ssh/id_rsa | xargs cat`,
    files: `${numbered(300, (at) => `echo true > f${at}; `)}echo '${KEY}' > x; sh x`,
    "calls of functions": `f(){ "$@"; }; ${times(600, "f true; ")}f ${KEY}`,
    "a value of many words": `x=$(echo ${"a ".repeat(4_000)}); ${times(300, "cat $x; ")}cat $(echo ~/.ssh/id_rsa)`,
    "files of a patch": `patch -p1 <<'E'\n${numbered(600, (at) => `+++ b/${at}\n`)}+++ b/.cordon/x\nE`,
  };
  for (const [name, command] of Object.entries(cut))
    it(`is not passed unseen: ${name}`, () => {
      expect(decide(command)).toMatch(/^(?:ask cmd\.too-long|deny path\.(?:credential|guard))$/);
    });
});

describe("what is long and plain", () => {
  const plain: Readonly<Record<string, string>> = {
    commands: times(600, "echo a >> out.txt; "),
    "commands in a place that is not known": `. ./x; ${times(600, "echo a >> out.txt; ")}`,
    "numbers of a loop": 'for i in {1..500}; do echo "$i"; done',
    "words of a loop": `for a in ${words(50).join(" ")}; do echo "$a" >> out.txt; done`,
    variables: `A=1; B=$(date); ${times(400, 'echo "$A $B"; ')}`,
  };
  for (const [name, command] of Object.entries(plain))
    it(`is not asked about: ${name}`, () => {
      expect(decide(command)).toBe("allow mode.bypass");
    });
});
