import { isAlnum, isDigit, isPlausible, isRandom } from "./entropy.ts";
import { classOfName, isEnvironmentStyle, wordSet, type NameClass } from "./names.ts";

/** How a value hangs on its name: `a=b`, `a: b` or `a = b`, `--a b`. */
export type Link = "tight" | "loose" | "option";

/** No value is judged by more than its first characters. */
export const JUDGED = 1024;

const NOTHING = wordSet(
  "true false yes no on off null nil none undefined 0 1 string str bytes bool boolean number int",
  "any unknown optional self basic oauth oauth2 type",
);
/** What settings are read from in code: `process.env.TOKEN` holds no secret. */
const OBJECTS = wordSet("process os self this env req request args config settings ctx options");
const PATTERNS = [
  ".*",
  ".+",
  "[^",
  "[a-",
  "[A-",
  "[0-",
  "\\s",
  "\\w",
  "\\d",
  "\\S",
  "\\(",
  "(?",
  "['\"",
  "[\"'",
];

/** True where all of `value` comes from expansions, so that the text holds no secret. */
export function isExpansion(value: string): boolean {
  let expansions = 0;
  for (let i = 0; i < value.length;) {
    const next = value.charAt(i + 1);
    if (value[i] === "$" && (next === "{" || next === "(")) {
      const close = next === "{" ? "}" : ")";
      const end = value.lastIndexOf(close);
      if (end === -1) return close === ")";
      // `${TOKEN:-default}` carries a value of its own.
      if (close === "}" && /[-=+?]/.test(value.slice(i + 2, end)) && value[i + 2] !== "{") return false;
      i = end + 1;
      expansions += 1;
    } else if (value[i] === "$") {
      i += 1;
      while (i < value.length && (isAlnum(value.charCodeAt(i)) || value[i] === "_")) i += 1;
      expansions += 1;
    } else if (value[i] === "`") return true;
    else if (":@%{} ".includes(value.charAt(i))) i += 1;
    else return false;
  }
  return expansions > 0;
}

function isPath(value: string): boolean {
  if (value.startsWith("@") || value.startsWith("file://")) return true;
  if (!["/", "./", "../", "~/"].some((start) => value.startsWith(start))) return false;
  return value.split("/").every((segment) => segment.length < 32 || !isRandom(segment));
}

function isSmallNumber(value: string): boolean {
  return value.length <= 6 && Array.from(value).every((char) => isDigit(char.charCodeAt(0)) || char === ".");
}

/**
 * True for values that give nothing away: empty, booleans, types, expansions, patterns of a
 * search, and, unless the name says password, paths and small numbers.
 */
export function isHarmless(value: string, named: NameClass): boolean {
  if (value === "" || value.startsWith("[redacted:") || NOTHING.has(value.toLowerCase())) return true;
  if (isExpansion(value) || PATTERNS.some((start) => value.startsWith(start))) return true;
  const dot = value.indexOf(".");
  if (dot > 0 && OBJECTS.has(value.slice(0, dot))) return true;
  return named !== "password" && (isPath(value) || isSmallNumber(value));
}

/**
 * The kind of secret that `value` beside `name` is, or undefined where it may be shown.
 *
 * `clean`: the name stands where settings have names and not in the middle of a sentence. A name
 * that says nothing leaves only long random values redacted.
 */
export function kindOf(name: string, value: string, link: Link, clean: boolean): string | undefined {
  const named = classOfName(name);
  const head = value.slice(0, JUDGED);
  if (isHarmless(head, named)) return undefined;
  switch (named) {
    case "password":
      return "password";
    case "secret":
      return link === "loose" && !clean && !isPlausible(head) ? undefined : "secret";
    case "likely":
      if (link === "tight" && isEnvironmentStyle(name) && name.length > 1 && !head.includes("://"))
        return "secret";
      return isPlausible(head) ? "secret" : undefined;
    case "none":
      return link !== "loose" && isRandom(head) && !/^sha\d{3}-/.test(head) ? "random" : undefined;
  }
}
