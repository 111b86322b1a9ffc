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
}

/** The states after success and after failure of a command; they differ after `cd x && …`. */
export interface After {
  readonly success: ShellState;
  readonly failure: ShellState;
}

/** Most directories that are followed at once; more are "any". */
const MOST = 6;

export function startState(directory: string): ShellState {
  return { directories: [directory], variables: new Map(), anyVariable: false };
}

/** The state when it is not known which of two happened. */
export function mergeStates(a: ShellState, b: ShellState): ShellState {
  if (a === b) return a;
  const variables = new Map<string, string | undefined>();
  for (const name of new Set([...a.variables.keys(), ...b.variables.keys()])) {
    const known =
      a.variables.has(name) && b.variables.has(name) && a.variables.get(name) === b.variables.get(name);
    variables.set(name, known ? a.variables.get(name) : undefined);
  }
  return {
    directories: mergeDirectories(a.directories, b.directories),
    variables,
    anyVariable: a.anyVariable || b.anyVariable,
  };
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
  if (a.anyVariable !== b.anyVariable || a.variables.size !== b.variables.size) return false;
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

export function setVariable(state: ShellState, name: string, value: string | undefined): ShellState {
  const variables = new Map(state.variables);
  variables.set(name, KEPT_BY_SHELL.test(name) ? undefined : value);
  return { ...state, variables };
}

export function inDirectories(state: ShellState, directories: readonly string[] | undefined): ShellState {
  return { ...state, directories };
}

/** The state in a shell that this one starts: where it is stays, and which variables it gets is not followed. */
export function childState(state: ShellState): ShellState {
  return { ...state, variables: new Map([...state.variables.keys()].map((name) => [name, undefined])) };
}
