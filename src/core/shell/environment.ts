import { expandHome } from "../call/path.ts";

/**
 * What is known of the shell's state at one point of a script: where it is and what its
 * variables hold. Values are immutable; each step makes a new one.
 */
export interface ShellState {
  /** Absolute directories the shell may be in; undefined = any. */
  readonly directories: readonly string[] | undefined;
  /** Variables the script sets: the value, or undefined where it is not known. */
  readonly variables: ReadonlyMap<string, string | undefined>;
  /** A write to a variable whose name is not known happened. */
  readonly anyVariable: boolean;
  /** An option may be on with which patterns match more or less than usual, and `cd` goes elsewhere. */
  readonly options?: boolean | undefined;
  /** What variables without a known value seem to hold; never a reason to allow. */
  readonly guesses: ReadonlyMap<string, string>;
}

/** What a pattern matches is not what it matches in a fresh shell, or may be not. */
export function matchesOddly(state: ShellState): boolean {
  return state.options === true || state.anyVariable || state.variables.has("GLOBIGNORE");
}

/** The states after success and after failure of a command; they differ after `cd x && …`. */
export interface After {
  readonly success: ShellState;
  readonly failure: ShellState;
}

/** Longest value that is followed: `x=$x$x` doubles it each time. */
const LONGEST_VALUE = 16_384;
/** Most arguments of a script or function that are told apart. */
const MOST_POSITIONAL = 99;
/** Most directories that are followed at once; more are "any". */
const MOST = 6;
/** Most directories in which a shell seems to be that may be anywhere. */
const MOST_SEEMING = 4;

const NO_GUESSES: ReadonlyMap<string, string> = new Map();

export function startState(directory: string): ShellState {
  return { directories: [directory], variables: new Map(), anyVariable: false, guesses: NO_GUESSES };
}

/** Where these lead on most machines. Where the gate knows better, its own lists hold the real places too. */
const USUAL: ReadonlyMap<string, string> = new Map([
  ["XDG_CONFIG_HOME", "~/.config"],
  ["XDG_STATE_HOME", "~/.local/state"],
  ["XDG_DATA_HOME", "~/.local/share"],
  ["XDG_CACHE_HOME", "~/.cache"],
  ["XDG_RUNTIME_DIR", "/run"],
  ["CLAUDE_CONFIG_DIR", "~/.claude"],
  ["CODEX_HOME", "~/.codex"],
  ["GNUPGHOME", "~/.gnupg"],
]);

/** The value of a variable, known or guessed; undefined where there is not even a guess. */
export function seemsToBe(state: ShellState, name: string, home: string): string | undefined {
  const value = state.variables.get(name) ?? state.guesses.get(name);
  if (value !== undefined || state.variables.has(name)) return value;
  if (name === "HOME") return home;
  const usual = USUAL.get(name);
  return usual === undefined ? undefined : expandHome(usual, home);
}

/** The state when it is not known which of two happened. */
export function mergeStates(a: ShellState, b: ShellState): ShellState {
  if (a === b) return a;
  const variables = new Map<string, string | undefined>();
  let guesses = a.guesses === b.guesses ? a.guesses : new Map([...a.guesses, ...b.guesses]);
  for (const name of new Set([...a.variables.keys(), ...b.variables.keys()])) {
    const known =
      a.variables.has(name) && b.variables.has(name) && a.variables.get(name) === b.variables.get(name);
    variables.set(name, known ? a.variables.get(name) : undefined);
    // Of two values one is as good a guess as the other.
    const guess = known ? undefined : (b.variables.get(name) ?? a.variables.get(name));
    if (guess !== undefined) guesses = new Map([...guesses, [name, guess]]);
  }
  const directories = mergeDirectories(a.directories, b.directories);
  const merged = {
    directories,
    variables,
    anyVariable: a.anyVariable || b.anyVariable,
    options: a.options === true || b.options === true,
    guesses,
  };
  return directories === undefined
    ? somewhere(merged, [...seemingDirectories(a), ...seemingDirectories(b)])
    : merged;
}

function mergeDirectories(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const all = [...new Set([...a, ...b])];
  return all.length > MOST ? undefined : all;
}

export function sameState(a: ShellState, b: ShellState): boolean {
  if (a.anyVariable !== b.anyVariable || (a.options === true) !== (b.options === true)) return false;
  if (a.variables.size !== b.variables.size) return false;
  for (const [name, value] of a.variables)
    if (!b.variables.has(name) || b.variables.get(name) !== value) return false;
  if (a.directories === undefined || b.directories === undefined) return a.directories === b.directories;
  return (
    a.directories.length === b.directories.length &&
    a.directories.every((path) => b.directories?.includes(path))
  );
}

/** Variables the shell itself writes while it runs, or keeps from being written: what is put there does not stay. */
const KEPT_BY_SHELL =
  /^(?:_|REPLY|PWD|OLDPWD|MAPFILE|OPT(?:ARG|IND|ERR)|COPROC|PIPESTATUS|FUNCNAME|DIRSTACK|GROUPS|S?RANDOM|SECONDS|LINENO|COLUMNS|LINES|HISTCMD|PPID|E?UID|SHELLOPTS|(?:BASH|COMP|READLINE|EPOCH)\w*)$/;

export function setVariable(
  state: ShellState,
  name: string,
  value: string | undefined,
  guess?: string,
): ShellState {
  const variables = new Map(state.variables);
  const kept = KEPT_BY_SHELL.test(name) || (value?.length ?? 0) > LONGEST_VALUE;
  variables.set(name, kept ? undefined : value);
  if (guess !== undefined && guess.length > LONGEST_VALUE) return { ...state, variables };
  if (guess === undefined && !state.guesses.has(name)) return { ...state, variables };
  const guesses = new Map(state.guesses);
  if (guess === undefined) guesses.delete(name);
  else guesses.set(name, guess);
  return { ...state, variables, guesses };
}

/** The state with guesses at variables that the script itself does not set: a shell's arguments. */
export function withGuesses(state: ShellState, more: ReadonlyMap<string, string>): ShellState {
  return more.size === 0 ? state : { ...state, guesses: new Map([...state.guesses, ...more]) };
}

/** Among the guesses: the directory the shell seems to be in, where that is not known. No variable is named so. */
const HERE = ".";

/** The directories the shell is in or seems to be in; none where there is not even a guess. */
export function seemingDirectories(state: ShellState): readonly string[] {
  return state.directories ?? state.guesses.get(HERE)?.split("\0") ?? [];
}

/** The state somewhere that is not known: it may still be where it was, or where `guesses` say. */
export function somewhere(
  state: ShellState,
  guesses: readonly string[] = seemingDirectories(state),
): ShellState {
  const lost = { ...state, directories: undefined };
  const some = [...new Set(guesses)].slice(0, MOST_SEEMING);
  return some.length === 0 ? lost : withGuesses(lost, new Map([[HERE, some.join("\0")]]));
}

/** The state in the directory the shell seems to be in; undefined where that is known, or no guess is made. */
export function seemingPlace(state: ShellState): ShellState | undefined {
  const directories = state.directories === undefined ? seemingDirectories(state) : [];
  return directories.length === 0 ? undefined : { ...state, directories };
}

/** `$0`, `$1`, `$@` of a script or function that is given these words. */
export function positional(name: string, rest: readonly string[]): ReadonlyMap<string, string> {
  const guesses = new Map([["0", name]]);
  rest.slice(0, MOST_POSITIONAL).forEach((text, at) => guesses.set(String(at + 1), text));
  for (const all of ["@", "*"]) guesses.set(all, rest.join(" "));
  return guesses;
}

export function inDirectories(state: ShellState, directories: readonly string[] | undefined): ShellState {
  return { ...state, directories };
}

/** The state in a shell that this one starts: where it is stays, and which variables it gets is not followed. */
export function childState(state: ShellState): ShellState {
  const guesses = new Map(state.guesses);
  for (const [name, value] of state.variables) if (value !== undefined) guesses.set(name, value);
  return {
    ...state,
    variables: new Map([...state.variables.keys()].map((name) => [name, undefined])),
    guesses,
  };
}
