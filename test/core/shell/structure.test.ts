import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyse } from "../../../src/core/shell/analyse.ts";
import { builtInTables } from "../../../src/host/tables.ts";
import { HOME, PLACE, haveJail, isDoubtful, runScripts, unforeseen } from "./structure.ts";

const tables = builtInTables();
const one = (...texts: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const glue = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(""));
const some = (part: fc.Arbitrary<string>, least: number, most: number, between = ""): fc.Arbitrary<string> =>
  fc.array(part, { minLength: least, maxLength: most }).map((texts) => texts.join(between));

const NAMES = ["c1", "c2", "c3", "c4", "c5"];
const name = one(
  ...NAMES, ...NAMES, "\\c1", "'c2'", 'c"3"', "$'c4'", "c\\5", "p1", "env p1", "env A=1 p2", "env -i p1", "nice p1", "nice -n 5 p2",
  "timeout 5 p1", "command c1", "builtin eval c2", "eval c3", "eval 'c4 x; c5'", "sh -c 'c1 y'", 'bash -c "c2 z"',
  "bash -ec 'c3; c1'", "sh -c 'c1 \"$0\" $1' q", "xargs p1 <<< q", "xargs -n1 p2 <<< 'q r'", "echo", "true", "false", ":", "cd d", "cd ..", "cd d/e", "cd",
  "pushd d", "cd -P d", "cd -- d", "set -- c1 c2", "! c1", "time c2", "time -p c3", "[ a = b ]", "test -n x", "printf x", "then", "read x <<< c1",
); // prettier-ignore
const PLAIN = one(
  "a", "b", "-x", "1", "2", "12", "then", "do", "in", "esac", "fi", "done", "{", "}", "!", "[[", "]]", "case", "if", "for", "time", "coproc", "function",
  "f1", "d", "d/f3", "=", "a=b", "#", "#x", "a#b", "%", "^", "@", "+", ",", ":", "-", "--", "é", "c1", "c2", "E",
); // prettier-ignore
const QUOTED = one(
  "''", '""', "'s q'", '"d q"', "'c1 >f9'", '"; c1"', "'a\nb'", '"a\nb"', "'\\'", '"\\""', '"\\\\"', '"a\\\nb"', "\\ ", "\\;", "\\&", "\\|", "\\(", "\\>", "\\<", "\\#", "\\\n", "\\'", '\\"',
  "\\$", "\\`", "$'t\\tn'", "$'\\''", "$'a\\x41'", "$'\\c'", "$'\\u0041'", '$"loc"', "$'a\nb'", '"#"', '"$"', "$", '"`"', "'`'", "\\{", "\\}",
); // prettier-ignore
const EXPANDED = one(
  "$x", "${x}", '"$x"', '"${x}"', "${x:-y}", '"${x:-"y z"}"', "${x:-'y z'}", "${x#a}", "${x%%b*}", "${x/a/b}", "${#x}", "$#", "$?", "$$", "$!", "$@", '"$@"', "$*", "$1", "${1}", "${x:+a}",
  "$((1+2))", '"$((1 + 2))"', "$(( (1+2) * 3 ))", "{a,b}", "{c1,c2}", "{1..3}", "{a..c}", "{,a}", "{a}", "{}", "*", "?", "f*", "[ab]", "[!a]", "~", "~/x", "~+", "${x:-}}",
  "${x:-\\}}", '"${x:-\\}}"', '"${x:-\'}\'}"', "${x:-{}", "${x//\\//a}", "${x:-#}", "${x# }", '"${x%"b"}"',
); // prettier-ignore
const RARE = one(
  "{a,", "${x^^}", "${x,}", "$((1<<2))", "$((1>2))", "${x@Q}", "${!x}", "${x:0:1}", "${x[0]}", "$[1+2]", "\u00a0", "1<(c1)", "x=(a)", "x[0]=(", "$((x))", "@(a|b)", "!(a)", "${ c1; }", "${|c1;}", "a\\\n", "\\\nb",
  "{fd}>f1", "3<&f1", "<&-x", "$(<f1)", "`c1 \\`c2\\``", '"`c1 "a"`"', "\u200b", "x\ry", "${x:=a}", "${x=a}", "${x?a}", "${x:?}", "<()", ">()x", "$()", "``", "$(c1;)", "$(c1 &)", "$( (c1) )", "$((c1);c2)", "$((c1) )", "$(c1 #)\n)", "$(case a in a) c1;; esac)", "$(case a in (a) c1; esac)",
); // prettier-ignore
const OPERATOR = one(">", ">", ">>", ">|", "<", "<", "<>", "&>", "&>>", "2>", "2>", ">&", "1>", "3<", "0<", "2>>", "3>", "10>", "<&", "2>&", ">&-", "<&-", "2>&1 >", "{fd}>", "<<<", "0<<<"); // prettier-ignore
const END = one("E", "E", "E", "E", "E", "E", "'E'", "'E'", "'E'", '"E"', '"E"', "\\E", "E", "'E'", "E1", "E-2", "'E F'", "$E", "E\\F", "E'F'", '$"E"', "$'E'", "''", "E}", "E)", '"E\\"F"', "E\\\n", "é"); // prettier-ignore
const BODY = one("", "a", "$(c1 in)", "`c2 in`", "$x", "${x:-$(c3)}", "c4", "E ", " E", "\tE", "\\E", "a\\", "'", '"', "${x:-'$(c5)'}", "$(c1 ')')", ")", "`", "$(", "$((1))", "\\$(c2)", "E)", "F", "#", "<<E", "}", "fi", "done", "esac"); // prettier-ignore
const LINE = one("\n", "; ", ";", " ; ", " && ", "&&", " || ", "||", " | ", "|", " |& ", " & ", "&", "\n\n", " # note\n", "#x\n", " \\\n", ";\\\n", "&&\n", "|\n", "&& \\\n", "; # c1\n", " #'\n", ' #"\n', " # $(c1)\n", " #`\n", " #\\\n"); // prettier-ignore
const GAP = one(
  ...Array.from({ length: 18 }, () => " "),
  "  ",
  "\t",
  "\t",
  " \\\n",
  " \\\n ",
  "\\\n",
  "\t\\\n",
);

/** A here-document: its opening, and behind a mark its body, which `placeBodies` puts where it belongs. */
const heredoc = fc
  .tuple(one("<<", "<<-", "<< ", "<<- ", "3<<", "0<<"), END, some(BODY, 0, 3, "\n"), fc.nat(19))
  .map(([operator, end, body, form]) => {
    const bare = end.replace(/^\$(?=['"])/, "").replace(/\\\n/g, "").replace(/['"]|\\(?=.)/g, ""); // prettier-ignore
    const last = form === 0 ? `${bare} ` : form === 1 ? "" : form < 4 && operator.includes("-") ? `\t${bare}` : bare; // prettier-ignore
    return `${operator}${end}\uE010${body}${body === "" ? "" : "\n"}${last}\uE011`;
  });

/** Moves the bodies of here-documents behind the end of the line that opens them. */
function placeBodies(text: string): string {
  let out = "";
  let waiting: string[] = [];
  for (const piece of text.split(/(\uE010[^\uE011]*\uE011|\n)/)) {
    if (piece.startsWith("\uE010")) waiting.push(piece.slice(1, -1));
    else if (piece === "\n" && waiting.length > 0) {
      out += `\n${waiting.join("\n")}\n`;
      waiting = [];
    } else out += piece;
  }
  return waiting.length === 0 ? out : `${out}\n${waiting.join("\n")}\n`;
}

const NESTING = { maxDepth: 5, depthIdentifier: "script", depthSize: "medium" } as const;
const { script } = fc.letrec<Record<"script" | "command" | "word" | "redirect" | "simple" | "test", string>>(
  (tie) => ({
    word: fc.oneof(
      NESTING,
      { weight: 16, arbitrary: PLAIN },
      { weight: 6, arbitrary: QUOTED },
      { weight: 4, arbitrary: EXPANDED },
      { weight: 1, arbitrary: RARE },
      {
        weight: 3,
        arbitrary: some(
          fc.oneof(PLAIN, QUOTED, EXPANDED, glue(one("$(", '"$(', "`", '"`'), one("c1", "c2 a"))),
          1,
          3,
        ),
      },
      { weight: 1, arbitrary: glue(one("$("), tie("script"), one(")", "\n)", " )")) },
      { weight: 1, arbitrary: glue(one('"$('), tie("script"), one(')"', ')a"')) },
      { weight: 1, arbitrary: glue(one('"${x:-$(', "${x:-$("), tie("command"), one(')}"', ")}")) },
      { weight: 1, arbitrary: glue(one("`"), tie("simple"), one("`")) },
      { weight: 1, arbitrary: glue(one("<(", ">("), tie("simple"), one(")")) },
      { weight: 1, arbitrary: glue(one("$((1+$(", "$((", "$(( "), tie("simple"), one(")))", "))", ") )")) },
    ),
    redirect: fc.oneof(
      NESTING,
      { weight: 3, arbitrary: glue(OPERATOR, one("", " "), one("f1", "f2", "g1", "g2", "d/g3", "1", "2", "/dev/null", "g$x", "'g 4'", "c1", "-")) }, // prettier-ignore
      { weight: 2, arbitrary: heredoc },
      { weight: 1, arbitrary: glue(OPERATOR, one("", " "), tie("word")) },
    ),
    simple: glue(
      some(
        glue(one("x=1", "x=", "x=1", "x=", "y='a b'", "y='a b'", "x=$x", 'x="$(c1)"', "x+=1", "x=c1", "x=~", "x=(a b)", "x[1]=2", "P=", "x=`c2`"), GAP),
        0,
        1,
      ), // prettier-ignore
      some(glue(tie("redirect"), GAP), 0, 1).map((text) => (text.length % 4 === 0 ? text : "")),
      name,
      some(
        glue(GAP, fc.oneof({ weight: 3, arbitrary: tie("word") }, { weight: 1, arbitrary: tie("redirect") })),
        0,
        3,
      ),
    ),
    test: glue(one("-n ", "-z ", "! ", "a == ", "a =~ ", "a < ", "( a ) && ", "-f f1 || a = ", "a != ", "$x -eq ", ""), fc.oneof(tie("word"), one("(x)", "^a$", "(a|b)c", "[a-z]+", "a*", "\"$(c1)\"", "( a ) ", "[[:alpha:]]", "(a b)", "'a b'"))), // prettier-ignore
    command: fc.oneof(
      NESTING,
      { weight: 16, arbitrary: tie("simple") },
      {
        weight: 1,
        arbitrary: glue(one("(", "( ", "((", "( ("), tie("script"), one(")", " )", "\n)", "))", ") )")),
      },
      { weight: 1, arbitrary: glue(one("{ ", "{\n", "{"), tie("script"), one("; }", "\n}", ";}", "}")) },
      { weight: 1, arbitrary: glue(one("if ", "if\n", "! if "), tie("command"), one("; then ", "\nthen\n", ";then "), tie("script"), one("; fi", "\nfi", "; else c2; fi", "\nelif c1; then c3; else\nc4\nfi")) }, // prettier-ignore
      { weight: 1, arbitrary: glue(one("while ! ", "until ", "while c2 || "), tie("command"), one("; do ", "\ndo\n"), tie("script"), one("; break; done", "\nbreak\ndone")) }, // prettier-ignore
      { weight: 1, arbitrary: glue(one("for x in ", "for in in ", "for x\nin ", "for x "), some(tie("word"), 0, 2, " "), one("; do ", "\ndo\n", "; { ", "\n"), tie("script"), one("; done", "\ndone", "; }")) }, // prettier-ignore
      { weight: 1, arbitrary: glue(one("case a in ", "case in in\n", "case $x in ", "case a\nin "), one("a", "(a", "esac", "(esac", "*", "a|b", "(a | b", '"$(c1)"', "[ab]", "a) c1;; b", "a) ;& *", "a) c2 ;;& *"), one(") ", ")\n", ")"), tie("script"), one(";; esac", "\nesac", "; esac", ";;\nesac", " ;; *) c3 ;; esac")) }, // prettier-ignore
      { weight: 1, arbitrary: glue(one("[[ ", "[[\n", "! [["), tie("test"), one(" ]]", "]]", " ]] && c1", " && b ]]", "\n]]")) }, // prettier-ignore
      { weight: 1, arbitrary: one("((1))", "((1+1))", "(( 1 < 2 ))", "((x=1))", "select x in a; do c1; break; done", "coproc c1", "f() { c1; }", "function f { c2; }", "f() c3", "alias c1=c2", "echo() { c1; }", "coproc f { c1; }", "for ((i=0;i<1;i++)); do c1; done") }, // prettier-ignore
      { weight: 2, arbitrary: glue(tie("command"), one(" ", ""), tie("redirect")) },
    ),
    script: fc.oneof(
      NESTING,
      tie("command"),
      glue(tie("command"), LINE, tie("command")),
      glue(tie("command"), LINE, tie("command"), LINE, tie("command")),
    ),
  }),
);

const TOKENS = one(
  "c1", "c1 ", "c2 a", " c3 b ", "c5 x", " ", " ", "\n", ";", ";;", ";&", ";;&", "&", "&&", "||", "|", "|&", "(", ")", "{ ", "}", "; }", "((", "))", "[[ ", " ]]", "[ ", " ]", "if ", "then ", "else ", "elif ", "fi", "; fi",
  "while ", "until ", "do ", "done", "; done", "for x in a b", "for x", "; do ", "case a in ", "a) ", "*) ", "(a) ", "esac", "; esac", "f() ", "time ", "! ", "coproc ", "$(", "`", '"', "'", "$'", '$"', "\\", "\\\n", "#", " #", " # ",
  "<<E\n", "<<-E\n", "<<'E'\n", '<<"E"\n', "<<\\E\n", "\nE\n", "E\n", "\tE\n", "E", "<<<", "<<< a", ">", "> g1", "2>&1", ">&2", "<&-", ">&-", "<&-c2", "&>", ">|", "<>", "<(", " <(c2)", "=", "x=", "x=1 ", "$x", "${x}", "${x:-", "}", "$((",
  "1+1", "~", "*", "?", "[a]", "{a,b}", "{c1,c2}", "-", "--", "$(c2)", "`c3`", '"$(c4)"', "\r", "\t", "\u00a0", "$(c2 <<E\n", "c\\\n2", "eval ", "command ", "in ", "in", "do", "then", "E \n", "<<E <<F\n", "F\n", "<<E; c2\n", "<<E | c4\n", "x=(a b)",
  "x=(", "x[1]=2 ", "x[", "]=", "{fd}>", "3>", "3<&1", "[[ a == b", "=~ a", "-eq 1", "<", "!=", "((1))", "echo c1 ", "sh -c c3", "env p2", "c1() { c2; }", "esac c2", "] c3", "}c4", "{c5", "!c1", "${", "${#", "\\`", "\v", "\u2028", "\u0001", "\u007f", "{}", "@(a)", "!(", "?(", "+(a|b)", "$[", "$(<f1)", "<f2 ", ")#", "}#", "))#", ";#", "|#", "1<(", "=(", "+=", "$((1)", "$(c1)#",
); // prettier-ignore

/** Whole scripts of every form, to be damaged. */
const WHOLE = one(
  "c1 a && c2 b || c3", "if c1; then c2; fi", "for x in a b; do c1 $x; done", "while ! c1; do c2; done", "case a in a) c1;; *) c2;; esac", "{ c1; c2; }", "( c1; c2 )", 'c1 $(c2 a) "$(c3 "b")"', 'c1 "`c2`" `c3 a`',
  "c1 <<E\na $(c2)\nE\nc3", "c1 <<'E'\n$(c2)\nE\nc3", "c1 <<-E\n\ta\n\tE\nc2", "c1 <<A <<B\n1\nA\n2\nB\nc2", "c1 <<E | c2\na\nE\nc3", "x=c1 c2", "c1 | c2 | c3", "c1 > g1 2>&1", "[[ -n a ]] && c1", "[[ a =~ (a|b) ]] && c1", "c1 <(c2) >(c3) ",
  "! c1 | c2", "time c1", "c1 ${x:-$(c2)} c", "c1 # c2\nc3", "c1 'a\nb' c2", "c1 & c2", "c1 $((1+2)) c", "c1 a{b,c} {c2,d}", 'c1 <<< "$(c2)"', "c1 \\\n a", "until c1; do c2; break; done", "case $x in (a|b) c2;; esac", "c1 $(case a in a) c2;; esac) b", 'c1 "$(cat <<E\na\nE\n)" c2',
  "cd d && c1 > g1; c2 > g2", "(cd d; c1 > g1); c2 > g2", "for x in d e; do cd $x; c1 > g1; done", "cd d & c1 > g1", "cd d | c1 > g1", "x=d; cd $x; c1 >g1", "if cd d; then c1 >g1; else c2 > g2; fi", "while cd d; do c1 > g1; break; done > g2", "sh -c 'cd d; c1 > g1'; c2 > g2", "eval 'c1 \"a b\"; c2' c", "env x=1 p1 a > g1",
  "{ c1; } > g1 2> g2", "c1 >g1 >g2 <f1", "c1 2>g1 | c2 &> g2", "bash <<E\nc1 a\nE\nc2", "bash <<'E'\nc1 $(c2)\nE", "x='c1 a'; eval $x", "x=1 y=2; c1 $x$y \"$x\"", "c1 $'a\\'b' c2 'd'", 'c1 "a\\"b" c', "c1 a#b #c\nc2", "c1 ${x:-'a b'} ${y:-\"c d\"} e", "c1 [a-z]* f? d", "f1=1 c2", "c1;c2&c3|c4&&c5||c1", "x=(a b); c1", "time -p c1; ! c2", "coproc c1; c2",
); // prettier-ignore

/** Puts tokens into a text, or takes stretches out. */
const damaged = fc
  .tuple(
    fc.oneof(script, WHOLE, WHOLE, WHOLE),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(9), TOKENS), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([text, changes]) => {
    let out = placeBodies(text);
    for (const [place, what, token] of changes) {
      const at = Math.floor(place * (out.length + 1));
      out = what < 7 ? out.slice(0, at) + token + out.slice(at) : out.slice(0, at) + out.slice(at + what - 6);
    }
    return out;
  });
/** Scripts that change variables and the directory in every way, and use them. */
const SETS = one(
  "x=a", "y=b", "x=", "x=$y", "y=$x$x", "x=\"$x c\"", "x+=c", "x=*", "x=~", "cd d", "cd e", "cd ..", "cd", "cd -", "cd ./d", "cd d/e", "cd nowhere", "cd $x", "cd \"$PWD\"", "pushd d", "popd", "command cd d", "command -p command cd d", "builtin cd d", "eval cd d", "time cd d", "! cd d",
  "read x <<< q", "read <<< s", "read -r y x <<< 'p q r'", "unset x", "export x=z", 'declare "x=w"', "export {x,y}=u", "printf -v x v", "for x in 1 2; do :; done", "set -- c2 b", "x=1 c2", "x=1 :", "x=1 eval :", "eval x=5", "x=6 y=7", "x=8 >f2", ">f2 x=9", "x=k $z", "x=l ''$z",
  "_=a", "REPLY=r", "PWD=a", "OLDPWD=o", "[[ t =~ t ]]", "BASH_REMATCH=m", "HOME=h", "IFS=a", "for IFS in b; do :; done", ": ${x:=f}", "let x=3", "mapfile x <<< i", "getopts a x -a", "wait -p x", "shift", "break", "break", "continue", "break 2", "command break", "true | read x", "x=(c d)", "f() { x=3; }", "f", "set -f", "set -u", "set -e",
); // prettier-ignore
const USES = one(
  'c1 "$x" $y', "c1 $x > g$x", "c1 >g1", 'c1 "$PWD" "$_"', 'c1 ${x:-d} "${y-e}"', 'c1 $1 "$REPLY" $BASH_REMATCH', "c1 ~ ~+ ~/a", "c1 $x$y'' >>g1", "sh -c 'c1 >g1 $x' $x", 'env x=1 p1 "$x"', "c1 $(cd d; c3 >g1) $x", "c1 $HOME $OLDPWD", "c1 f* $x", "{ c1; } >g1", "c1 <f1", "c1 <d/f3", "c1 <f3",
); // prettier-ignore
const { stateful } = fc.letrec<Record<"stateful" | "part", string>>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4, depthIdentifier: "state" },
    { weight: 5, arbitrary: SETS },
    { weight: 4, arbitrary: USES },
    { weight: 1, arbitrary: glue(one("{ "), tie("stateful"), one("; }", "; } 2>g2", "; } <f1")) },
    { weight: 1, arbitrary: glue(one("("), tie("stateful"), one(")", ") 2>g2", ") <f1")) },
    { weight: 1, arbitrary: glue(one("if "), tie("part"), one("; then "), tie("stateful"), one("; else "), tie("stateful"), one("; fi")) },
    { weight: 1, arbitrary: glue(one("for i in 1 2; do ", "for x in d e; do ", "for x in $x; do ", "for x; do "), tie("stateful"), one("; done", "; break; done", "; continue; done")) },
    { weight: 1, arbitrary: glue(one("while "), tie("part"), one("; do "), tie("stateful"), one("; break; done")) },
    { weight: 1, arbitrary: glue(one("case $x in a|'') ", "case a in a) ", "case a in b) "), tie("stateful"), one(";; esac", ";; *) x=s;; esac", ";& *) c1 $x;; esac", ";;& *) cd d;; esac")) },
    { weight: 2, arbitrary: glue(tie("part"), one(" && ", " || ", " | ", " & "), tie("part")) },
  ),
  stateful: fc.oneof(
    { maxDepth: 4, depthIdentifier: "state" },
    tie("part"),
    glue(tie("part"), one("; ", "\n"), tie("part")),
    glue(tie("part"), one("; ", "\n", "; "), tie("part"), one("; ", "\n"), USES),
  ),
})); // prettier-ignore
const texts = fc.oneof(
  { weight: 4, arbitrary: glue(stateful, one("; "), USES) },
  { weight: 6, arbitrary: script.map(placeBodies) },
  { weight: 5, arbitrary: damaged },
  { weight: 1, arbitrary: some(TOKENS, 1, 9) },
  { weight: 1, arbitrary: some(fc.oneof(TOKENS, PLAIN, QUOTED, EXPANDED, OPERATOR, GAP, LINE, name), 1, 8) },
);

describe.skipIf(!haveJail())("structure", () => {
  it("shows every program a real bash starts and every file it opens by a redirect, or says it does not know", () => {
    const deep = Number(process.env["CORDON_DEEP"] ?? 1);
    const seed = Number(process.env["CORDON_SEED"] ?? 20_26);
    const wrong: unknown[] = [];
    let compared = 0;
    let deeds = 0;
    for (let round = 0; round < deep; round++) {
      const sample = fc.sample(texts, { numRuns: 3000, seed: seed + round });
      const known = sample
        .filter((text) => !text.includes("\0"))
        .map((text) => ({ text, ours: analyse(text, PLACE, HOME, tables) }))
        .filter(({ ours }) => !isDoubtful(ours));
      const runs = runScripts(known.map(({ text }) => text));
      expect(runs).toHaveLength(known.length);
      known.forEach(({ text, ours }, at) => {
        const did = runs[at] ?? [];
        compared++;
        deeds += did.length;
        const deed = unforeseen(ours, did);
        if (deed !== undefined) wrong.push({ text, deed, round: seed + round });
      });
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(compared / (3000 * deep)).toBeGreaterThan(0.15);
    expect(deeds / compared).toBeGreaterThan(0.5);
  }, 6_000_000);
});
