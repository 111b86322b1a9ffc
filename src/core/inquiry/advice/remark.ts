/** What is the matter with a rule, worst first. */
export const ADVICE_KINDS = [
  /** Shown to decide nothing: without it every call ends the same. */
  "never",
  /** It decides what its text says, which hardly is what was meant. */
  "unlikely",
  /** It is read as something else than what is written. */
  "misread",
  /** It covers more than a reader sees. */
  "broad",
] as const;
export type AdviceKind = (typeof ADVICE_KINDS)[number];

/** One remark on one rule, for a person who looks through rules. It decides nothing. */
export interface Advice {
  readonly kind: AdviceKind;
  /** One lower-case sentence without a full stop. */
  readonly why: string;
  /** What to write instead, or `remove it`. */
  readonly fix: string;
}

/** Where the rules hold: absolute paths. */
export interface Place {
  readonly root: string;
  readonly cwd: string;
  readonly home: string;
}
