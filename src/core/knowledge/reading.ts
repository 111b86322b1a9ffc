import type { Span } from "../call/call.ts";
import type { Code } from "../call/codes.ts";
import type { Word } from "../call/word.ts";
import type { CommandClass } from "./spec.ts";

/** What an invocation does to a path. */
export type PathAction = "read" | "write" | "delete" | "run";

export interface PathEffect {
  readonly action: PathAction;
  readonly word: Word;
  /** Directories given by `-C` and the like, outermost first, that `word` is relative to. */
  readonly bases: readonly Word[];
  /** Everything below the path too. */
  readonly recursive: boolean;
  /** Only a name in a piece of code: it counts where it means a secret or a guard, not for scope. */
  readonly hint?: boolean | undefined;
  /** Not where something is piped in. */
  readonly unlessFed?: boolean | undefined;
}

/** A command inside a command. */
export type Inner =
  | {
      readonly kind: "argv";
      readonly words: readonly Word[];
      readonly bases: readonly Word[];
      /** It runs on another machine or in a container. */
      readonly remote?: boolean | undefined;
    }
  | {
      readonly kind: "shell";
      readonly word: Word;
      readonly bases: readonly Word[];
      readonly remote?: boolean | undefined;
    }
  | { readonly kind: "code"; readonly language: string; readonly word: Word };

/** A form that destroys something or breaks a guard. */
export interface Danger {
  readonly code: Code;
  readonly why: string;
  readonly instead?: string | undefined;
  readonly span?: Span | undefined;
}

/** A reason why the class of an invocation is not certain. */
export interface Doubt {
  readonly code: Code;
  readonly why: string;
  readonly span?: Span | undefined;
  /** A rule that allows these words answers it: only harmless arguments are unknown. */
  readonly mild?: boolean | undefined;
  /** What follows was not looked at, so no rule that denies has seen it either. */
  readonly unseen?: boolean | undefined;
}

/**
 * What the tables say about one argument vector.
 *
 * INVARIANT: `class` is `read-only` only where every word was understood; any doubt leaves it
 * undefined or says so in `doubts`.
 */
export interface Reading {
  /** Command and subcommands: `["git", "stash", "drop"]`. */
  readonly path: readonly string[];
  /** Undefined: nothing is known. */
  readonly class: CommandClass | undefined;
  /** It talks to the network, whatever else it does and however little of it was understood. */
  readonly network: boolean;
  /** Why the class is what it is, where the tables say it. */
  readonly why?: string | undefined;
  /** Canonical option names that are present, with their values. */
  readonly options: ReadonlyMap<string, readonly (Word | undefined)[]>;
  readonly operands: readonly Word[];
  readonly effects: readonly PathEffect[];
  readonly urls: readonly Word[];
  readonly inner: readonly Inner[];
  readonly assignments: readonly Word[];
  readonly dangers: readonly Danger[];
  readonly doubts: readonly Doubt[];
  /** `watch`, `setsid`, `env`: its operands are a command, whatever it is. */
  readonly wraps: boolean;
  /** A wrapper that changes nothing about what it runs. */
  readonly transparent: boolean;
  readonly privilege: boolean;
  /** Runs what stands on its standard input. */
  readonly stdin: "shell" | "code" | undefined;
  /** The words after the last subcommand, as they stand. */
  readonly rest: readonly Word[];
  /** The same with options in their canonical long form, clusters split. */
  readonly canonical: readonly string[];
  /** Words that make a reader run or write something: an allow rule has to spell them. */
  readonly reaching: readonly string[];
  /** Options that operands stand for: `+ref` of a push is `--force`. */
  readonly implies: readonly string[];
}

/** The reading of a command no table knows. */
export function unknownReading(name: string, operands: readonly Word[]): Reading {
  return {
    path: [name],
    class: undefined,
    network: false,
    options: new Map(),
    operands,
    effects: [],
    urls: [],
    inner: [],
    assignments: [],
    dangers: [],
    doubts: [],
    wraps: false,
    transparent: false,
    privilege: false,
    stdin: undefined,
    rest: operands,
    canonical: operands.map((word) => word.text),
    reaching: [],
    implies: [],
  };
}
