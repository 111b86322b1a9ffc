/**
 * The form in which data/commands says what a command does. See data/README.md.
 *
 * INVARIANT: the tables only ever widen what is known. An option, subcommand or operand that is
 * not listed makes the invocation unknown, never safe.
 */

/** What running it does, mildest first. */
export const COMMAND_CLASSES = [
  "read-only",
  "file-modifying",
  "runs-code",
  "network",
  "system-modifying",
] as const;
export type CommandClass = (typeof COMMAND_CLASSES)[number];

/** What an operand or an option's value is. */
export const VALUE_KINDS = [
  /** Nothing on the machine: a number, a format, a pattern. */
  "text",
  /** A path that is read, listed or searched. */
  "read",
  /** A path that is created or changed. */
  "write",
  /** A path that is removed or moved away. */
  "delete",
  /** A path that is read and written. */
  "update",
  /** A directory the other paths are relative to. */
  "cd",
  /** A file whose text is run. */
  "run",
  /** A file that lists further paths or options, which are then unknown. */
  "list",
  /** A network address or a URL. */
  "url",
  /** Data to send: `@FILE` and `NAME=@FILE` name a file that is read. */
  "upload",
  /** Text a shell runs. */
  "shell",
  /** Code of another language. */
  "code",
  /** The first word of a command that takes all that follows. */
  "command",
  /** NAME=VALUE put into a command's environment. */
  "assignment",
  "sed-script",
  "awk-program",
  "jq-filter",
  /** KEY=VALUE of git's configuration. */
  "git-setting",
  "git-revision",
  "git-pathspec",
] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

export interface OptionSpec {
  /** Kind of a required value: `--file X`, `--file=X`, `-fX`, `-f X`. */
  readonly takes?: ValueKind | undefined;
  /** How many further words the option takes, where it is not one; all of kind `takes`. */
  readonly values?: number | undefined;
  /** Kind of an optional value, only ever glued: `--color=X`, `-iX`. */
  readonly may?: ValueKind | undefined;
  /** The class the invocation gets at least when the option is present. */
  readonly class?: CommandClass | undefined;
  /** What is lost when the option is present; makes the invocation destructive. */
  readonly danger?: string | undefined;
  /** Replaces the command's operands when the option is present. */
  readonly operands?: readonly OperandSpec[] | undefined;
  /** The paths are worked through with everything below them. */
  readonly recursive?: boolean | undefined;
  /** The names its value may consist of, set apart by commas; any other is unknown. */
  readonly among?: readonly string[] | undefined;
  /** It names a program: a rule has to spell it, a star does not mean it. */
  readonly reaches?: boolean | undefined;
  /** Why the option is more than it seems; shown with the ask. */
  readonly why?: string | undefined;
}

export interface OperandSpec {
  readonly kind: ValueKind;
  /** Any number of them. At most one repeated operand in a list. */
  readonly repeated?: boolean | undefined;
  /** The operand must begin so, otherwise the invocation is unknown. */
  readonly starts?: string | undefined;
  /** The class the invocation gets at least when the operand is present. */
  readonly class?: CommandClass | undefined;
}

/** A destructive form: all of `options` present and, where given, an operand that matches. */
export interface DangerSpec {
  readonly options?: readonly string[] | undefined;
  /** Not where one of these is present (`--dry-run`). */
  readonly unless?: readonly string[] | undefined;
  /** Options whose value is one of these, in any case: `{"--request": ["DELETE"]}`. */
  readonly values?: Readonly<Record<string, readonly string[]>> | undefined;
  /** An operand equal to one of these; `*` at the end matches the rest of the word. */
  readonly operands?: readonly string[] | undefined;
  readonly why: string;
  /** What to run instead, or first. */
  readonly instead?: string | undefined;
}

/** How options are written. */
export type OptionStyle =
  /** `-abc`, `-f X`, `-fX`, `--long`, `--long=X`, unambiguous abbreviations; options anywhere. */
  | "gnu"
  /** One dash and a whole word: `-name X`, `-flag=X`. */
  | "words"
  /** NAME=VALUE pairs, as in dd. */
  | "pairs"
  /** No options: every word is an operand. */
  | "none";

export interface CommandSpec {
  readonly class?: CommandClass | undefined;
  /** The class without a subcommand, where the command has some (`git stash`). */
  readonly bare?: CommandClass | undefined;
  readonly style?: OptionStyle | undefined;
  /** Options end at the first operand. */
  readonly stop?: boolean | undefined;
  /** The first word may be a bundle of short options without a dash, as in tar. */
  readonly bundle?: boolean | undefined;
  /** Long options may not be abbreviated. */
  readonly exact?: boolean | undefined;
  /** Options without a value that change nothing about the class. */
  readonly flags?: readonly string[] | undefined;
  /** Key: spellings, comma-separated, the canonical one last (`-f, --file`). */
  readonly options?: Readonly<Record<string, OptionSpec>> | undefined;
  readonly operands?: readonly OperandSpec[] | undefined;
  readonly subcommands?: Readonly<Record<string, CommandSpec>> | undefined;
  /** No option there is, listed or not, does more than read: a pattern that becomes one changes nothing. */
  readonly harmless?: boolean | undefined;
  /** No word may begin with one of these, otherwise the invocation is unknown (`@file`). */
  readonly never?: readonly string[] | undefined;
  /** The paths are always worked through with everything below them. */
  readonly recursive?: boolean | undefined;
  /** Works through the working directory when it is recursive and no path is named; `unless-fed`: only where nothing is piped in. */
  readonly here?: "always" | "unless-fed" | undefined;
  readonly danger?: readonly DangerSpec[] | undefined;
  /** A wrapper that changes nothing about what it runs but time, priority or buffering. */
  readonly transparent?: boolean | undefined;
  /** Runs what follows with other rights or in another place. */
  readonly privilege?: boolean | undefined;
  /** Reads a program from standard input when it is given none. */
  readonly stdin?: "shell" | "code" | undefined;
  /** It reads standard input whatever its operands are (database clients). */
  readonly always?: boolean | undefined;
  /** Extra reading that tables cannot say: see knowledge/readers. */
  readonly reader?: ReaderName | undefined;
  readonly why?: string | undefined;
}

export const READER_NAMES = [
  "dd",
  "find",
  "git-checkout",
  "git-config",
  "git-push",
  "join",
  "parallel",
  "printf",
  "rsync",
  "sed",
  "set",
  "ssh",
  "tar",
  "test",
  "trap",
  "xargs",
] as const;
export type ReaderName = (typeof READER_NAMES)[number];

/** One command as the generated tables hold it: shorthand and groups expanded. */
export interface CommandEntry {
  readonly name: string;
  /** What it was checked against (`grep 3.8`), or `unverified`: then it is never a reason to allow. */
  readonly checked: string;
  readonly spec: CommandSpec;
}
