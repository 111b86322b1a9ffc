import { compileGlob, matchGlob } from "../../call/glob.ts";
import type { Opinion } from "../../call/opinion.ts";
import { baseOf } from "../../call/path.ts";
import { HOLE, type Word, isKnown } from "../../call/word.ts";
import type { Invocation, Script } from "../../shell/script.ts";

/** cordon's own commands that change what an agent may do. */
const CHANGES: ReadonlySet<string> = new Set([
  "trust",
  "permissions",
  "install",
  "uninstall",
  "init",
  "policy",
  "migrate",
  "daemon",
]);
/** Its commands that change nothing; every other one is taken for one that does. */
const HARMLESS: ReadonlySet<string> = new Set(
  "check run sandbox audit hook context demo help -h --help -V --version".split(" "),
);
/** Options of `cordon run` and `cordon sandbox` that loosen. */
const LOOSENS: ReadonlySet<string> = new Set([
  "--mode",
  "--dangerously-skip-permissions",
  "--yes",
  "--settings",
  "--managed",
  "--no-ambient",
]);
/** Programs that start the program or script their arguments name. */
const LAUNCHERS: ReadonlySet<string> = new Set(
  (
    "node npx bunx bun deno yarn yarnpkg pnpm pnpx npm corepack tsx ts-node sh bash zsh dash ksh fish env sudo doas " +
    "exec command nohup timeout setsid open start"
  ).split(" "),
);
/** How far behind a launcher the program's name is looked for. */
const FURTHEST = 8;

/**
 * cordon's guard is not for the agent to change: denied in every mode, through any wrapper, also
 * where only the words behind a program that cannot be known say what it is.
 */
export function guardOpinions(
  invocation: Invocation,
  script: Script,
  /** The program is a file that the same command writes. */
  written: boolean,
): readonly Opinion[] {
  const sub = changing(invocation, script) ?? (written ? telling(invocation.words.slice(1)) : undefined);
  if (sub === undefined) return [];
  return [
    {
      layer: "command",
      effect: "deny",
      code: "cmd.guard",
      why: reasonFor(sub),
      part: invocation.id,
      span: invocation.span,
    },
  ];
}

function reasonFor(sub: string): string {
  if (sub === "run" || sub === "sandbox")
    return `\`cordon ${sub}\` with options that loosen is for a person to run`;
  return CHANGES.has(sub)
    ? `\`cordon ${sub}\` changes what agents may do, which is for a person to run`
    : `\`cordon ${sub}\` may change what agents may do, which is for a person to run`;
}

/** The command of cordon's that would run and change something; undefined where none would. */
function changing(invocation: Invocation, script: Script): string | undefined {
  const { words, reading } = invocation;
  const [name] = words;
  if (name === undefined) return undefined;
  // `hash -p /usr/bin/cordon t`: from then on `t` is cordon.
  if (name.text === "hash" && words.slice(1).some(isCordon)) return "…";
  const own = isCordon(name);
  if (own) return ownCommand(words.slice(1));
  if (!isKnown(name)) {
    const told = telling(words.slice(1));
    if (told !== undefined && mayBeCordon(name)) return told;
  }
  const listed =
    reading.class !== undefined || reading.doubts.some(({ code }) => code !== "cmd.not-in-tables");
  if (!isKnown(name) || !listed || LAUNCHERS.has(baseOf(name.text))) {
    for (let at = 1; at < Math.min(words.length, FURTHEST); at++) {
      const word = words[at];
      if (word === undefined) break;
      const rest = words.slice(at + 1);
      const told = isCordon(word)
        ? launched(rest)
        : !isKnown(word) && mayBeCordon(word)
          ? telling(rest)
          : undefined;
      if (told !== undefined) return told;
    }
  }
  const texts = listed ? [] : words.slice(1).flatMap(({ text }) => (/\s/.test(text) ? [text] : []));
  const code = reading.inner.flatMap((inner) => (inner.kind === "code" ? [inner.word.text] : []));
  const fed = script.fed.flatMap(({ part, text }) => (part === invocation.id ? [text] : []));
  return [...texts, ...code, ...fed].map(namedIn).find((told) => told !== undefined);
}

/** What `cordon` itself is told to do: everything but what is known to change nothing. */
function ownCommand(rest: readonly Word[]): string | undefined {
  const sub = rest.find((word) => word.text !== "--");
  if (sub === undefined) return undefined;
  if (!isKnown(sub)) return "…";
  if (onlyTells(rest)) return undefined;
  if (!HARMLESS.has(sub.text)) return launched(rest) ?? (sub.text.startsWith("-") ? undefined : sub.text);
  return (sub.text === "run" || sub.text === "sandbox") && loosened(rest) ? sub.text : undefined;
}

/**
 * `cordon trust --help`, `cordon policy status`: these words and no other. A word more might be the
 * `--` behind which `--help` is an argument, and a word that is not known might be that one.
 */
function onlyTells(rest: readonly Word[]): boolean {
  const [sub, next, ...more] = rest;
  if (sub === undefined || next === undefined || more.length > 0 || !isKnown(sub) || !isKnown(next))
    return false;
  if (next.text === "--help" || next.text === "-h") return !sub.text.startsWith("-");
  return sub.text === "policy" && next.text === "status";
}

/** What a program that another one starts is told to do, where its name is cordon's. */
function launched(rest: readonly Word[]): string | undefined {
  const sub = rest.find(({ text }) => !text.startsWith("-"));
  if (sub === undefined) return undefined;
  if (CHANGES.has(sub.text)) return sub.text;
  if (!isKnown(sub) && !sub.mayVanish) return "…";
  return (sub.text === "run" || sub.text === "sandbox") && loosened(rest) ? sub.text : undefined;
}

/** An option that loosens stands before the command, or a word that may become one. */
function loosened(rest: readonly Word[]): boolean {
  const cut = rest.findIndex(({ text }) => text === "--");
  return rest
    .slice(0, cut === -1 ? rest.length : cut)
    .some((word) => !isKnown(word) || LOOSENS.has(word.text.replace(/=.*$/s, "")));
}

/** Words that only cordon is told; `install` and `init` are words of many programs. */
function telling(rest: readonly Word[]): string | undefined {
  const [sub, next] = rest.filter((word) => isKnown(word) && !word.text.startsWith("-"));
  switch (sub?.text) {
    case "trust":
      return "trust";
    case "permissions":
      return next === undefined || /^(?:add|remove|revoke)$/.test(next.text) ? "permissions" : undefined;
    case "install":
    case "uninstall":
      return next?.text === "claude-code" ? sub.text : undefined;
    case "run":
      return rest.some(({ text }) => text === "--dangerously-skip-permissions") ||
        (loosened(rest) && rest.some(({ text }) => /(?:^|=)(?:bypassPermissions|acceptEdits)$/.test(text)))
        ? "run"
        : undefined;
    default:
      return undefined;
  }
}

const PROGRAM = /^(?:(?:npm|jsr):)?(?:cordon(?:\.(?:[cm]?[jt]s|cmd|ps1|exe))?|program\.cjs)(?:@[^/]*)?$/i;

/** The word names cordon, also where a pattern or a substitution says so: `cord?n`, `$(which cordon)`. */
function isCordon(word: Word): boolean {
  const base = baseOf(word.text);
  if (isKnown(word)) return PROGRAM.test(base);
  if (PROGRAM.test(base)) return true;
  if (word.unknown === "substitution" && /(?:^|[\s/"'])cordon(?:$|[\s"')`])/.test(word.raw)) return true;
  return base.replace(/[^a-z]/g, "").length > 1 && mayBeCordon(word);
}

/** What is known of the word leaves room for the name. */
function mayBeCordon(word: Word): boolean {
  if (isKnown(word)) return false;
  const pattern = (word.glob ?? word.text.replace(/[\\*?[\]]/g, "\\$&")).replaceAll(HOLE, "*");
  const glob = compileGlob(baseOf(pattern));
  return ["cordon", "cordon.cjs", "program.cjs"].some((name) => matchGlob(glob, name));
}

/** A text of code or for another shell that names cordon and one of its commands behind it. */
function namedIn(text: string): string | undefined {
  const tokens = text.split(/[\s"'`,;&|()[\]{}<>$=]+/).filter((token) => token !== "");
  for (const [at, token] of tokens.entries()) {
    if (!PROGRAM.test(baseOf(token))) continue;
    const rest = tokens.slice(at + 1).filter((next) => !next.startsWith("-"));
    const [sub] = rest;
    if (sub !== undefined && CHANGES.has(sub)) return sub;
    if (sub === "run" && tokens.slice(at + 1).some((next) => LOOSENS.has(next))) return "run";
    // Code that loads the program puts its arguments anywhere.
    const anywhere = baseOf(token).endsWith("js") ? tokens.find((next) => CHANGES.has(next)) : undefined;
    if (anywhere !== undefined) return anywhere;
  }
  return undefined;
}
