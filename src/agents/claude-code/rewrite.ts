import type { Opening } from "../../core/call/call.ts";
import { type JsonObject, stringAt } from "../../core/call/json.ts";
import { absolute, baseOf, expandHome, normalise } from "../../core/call/path.ts";
import { quote } from "./quote.ts";

/** How a command gets into cordon's sandbox. All paths absolute. */
export interface SandboxEntry {
  /** The program `cordon`. */
  readonly cordon: string;
  /** What the command may write to. */
  readonly root: string;
  readonly cwd: string;
}

/** What goes with one call into the sandbox. */
export interface EntryExtras {
  /** The decision's id, so that what became of the call is recorded beside it. */
  readonly record?: string | undefined;
  readonly opens?: readonly NamedOpening[] | undefined;
}

/** A path as the options of `cordon sandbox` name it. */
export interface NamedOpening extends Opening {
  /** It ends in a slash: where it is absent, a directory is meant. */
  readonly directory?: true | undefined;
}

/** What an agent asks to have opened. */
export interface OpeningRequest {
  readonly paths: readonly NamedOpening[];
  readonly reason?: string | undefined;
}

/** Everything that stands before the options and the quoted command. */
function entryText({ cordon, root, cwd }: SandboxEntry): string {
  return `${quote(cordon)} sandbox --root ${quote(root)} --cwd ${quote(cwd)} `;
}

/**
 * The input whose command runs the original one in cordon's sandbox; every other field stays.
 *
 * Undefined where there is no command, or one that no shell can carry. The place is written out,
 * so that what runs is what was judged, wherever the host's shell stands.
 */
export function intoSandbox(
  input: JsonObject,
  entry: SandboxEntry,
  { record, opens = [] }: EntryExtras = {},
): JsonObject | undefined {
  const command = stringAt(input, "command");
  if (command === undefined || command.includes("\0")) return undefined;
  const options = [
    ...(record === undefined ? [] : [`--record ${quote(record)} `]),
    ...opens.map(
      ({ access, path, directory }) => `--${access} ${quote(directory === true ? `${path}/` : path)} `,
    ),
  ];
  return { ...input, command: `${entryText(entry)}${options.join("")}-- ${quote(command)}` };
}

/**
 * The input with the command that `intoSandbox` was given, where it has exactly the form it writes
 * for this place; any other input as it is. What was opened then has to be asked for again.
 *
 * An agent can write that form too, and gains nothing: what is inside is judged, and the same form
 * is written around it again.
 */
export function outOfSandbox(
  input: JsonObject,
  entry: SandboxEntry,
): { readonly input: JsonObject; readonly opens?: OpeningRequest | undefined } {
  const command = stringAt(input, "command");
  const before = entryText(entry);
  if (command === undefined || !command.startsWith(before)) return { input };
  const rest = optionsOf(wordsOf(command.slice(before.length)), entry.cwd, "/");
  const [inner] = rest?.command ?? [];
  if (rest === undefined || inner === undefined) return { input };
  const original = { ...input, command: inner };
  const { record, paths } = rest;
  // Written again it is the same text, or it was not ours.
  if (intoSandbox(original, entry, { record, opens: paths })?.["command"] !== command) return { input };
  return { input: original, ...(paths.length === 0 ? {} : { opens: { paths } }) };
}

/**
 * What an agent asks to have opened for one command, where it writes nothing but
 * `cordon sandbox --write PATH [--read PATH] [--reason TEXT] -- COMMAND`; undefined for anything
 * else, which is then a command like any other.
 *
 * INVARIANT: only plain words and quoted ones without expansions are read, so the command that is
 * judged is the one a shell would have handed over.
 */
export function requestIn(
  input: JsonObject,
  entry: SandboxEntry,
  home: string,
): { readonly input: JsonObject; readonly opens: OpeningRequest } | undefined {
  const [name, sub, ...words] = wordsOf(stringAt(input, "command") ?? "") ?? [];
  if (name === undefined || (name !== entry.cordon && baseOf(name) !== "cordon") || sub !== "sandbox")
    return undefined;
  const rest = optionsOf(words, entry.cwd, home);
  const [first, ...more] = rest?.command ?? [];
  if (rest === undefined || rest.paths.length === 0 || first === undefined) return undefined;
  const command =
    more.length === 0 ? first : [first, ...more].map((word) => quote(expandHome(word, home))).join(" ");
  return { input: { ...input, command }, opens: { paths: rest.paths, reason: rest.reason } };
}

interface Options extends OpeningRequest {
  readonly record?: string | undefined;
  readonly command: readonly string[];
}

/** The options before `--` and the words behind it; undefined where another option stands there. */
function optionsOf(words: readonly string[] | undefined, cwd: string, home: string): Options | undefined {
  const cut = words?.indexOf("--") ?? -1;
  if (words === undefined || cut === -1 || cut % 2 !== 0) return undefined;
  const paths: NamedOpening[] = [];
  let [reason, record]: readonly (string | undefined)[] = [];
  for (let at = 0; at < cut; at += 2) {
    const [option, value = ""] = [words[at], words[at + 1]];
    if (option === "--write" || option === "--read") {
      if (value === "") return undefined;
      const path = normalise(absolute(cwd, expandHome(value, home)));
      const access = option === "--write" ? "write" : "read";
      paths.push({ access, path, ...(value.endsWith("/") ? { directory: true } : {}) });
    } else if (option === "--reason") reason = value;
    else if (option === "--record") record = value;
    else return undefined;
  }
  return { paths, reason, record, command: words.slice(cut + 1) };
}

const WORD = /[ \t]*(?:'((?:[^']|'\\'')*)'|"([^"$`\\!]*)"|([\w@%+=:,./~-]+))(?=[ \t]|$)/sy;

/** The words of a command line without expansions; undefined where there is more in it than words. */
function wordsOf(text: string): readonly string[] | undefined {
  const words: string[] = [];
  const pattern = new RegExp(WORD.source, WORD.flags);
  const line = text.trim();
  while (pattern.lastIndex < line.length) {
    const match = pattern.exec(line);
    if (match === null) return undefined;
    const [, single, double, bare] = match;
    words.push(single?.replaceAll(`'\\''`, "'") ?? double ?? bare ?? "");
  }
  return words;
}
