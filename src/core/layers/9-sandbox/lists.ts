/** One pattern of data/paths.json with the reason it stands there. */
export interface PathEntry {
  /** `~/x` and `/x` are anchored; anything else matches at any depth; a last slash is a directory. */
  readonly pattern: string;
  readonly why: string;
  /** Entries of the directory that the pattern does not mean. */
  readonly except?: readonly string[] | undefined;
  /** What the sandbox makes of it inside a writable directory; absent = read-only. */
  readonly sandbox?: string | undefined;
}

/** The lists of data/paths.json that the sandbox reads. More lists may stand there. */
export interface PathLists {
  readonly credential: readonly PathEntry[];
  readonly protected: readonly PathEntry[];
  readonly agentConfig: readonly PathEntry[];
  readonly guard: readonly PathEntry[];
}
