/** A path with a meaning: see data/paths.json. */
export interface PathEntry {
  readonly pattern: string;
  readonly except?: readonly string[] | undefined;
  /** Who executes it and when, or what it holds. */
  readonly why: string;
  /** What the OS sandbox makes of it inside a writable directory; default `read-only`. */
  readonly sandbox?: string | undefined;
}

export interface PathLists {
  readonly about: string;
  readonly credential: readonly PathEntry[];
  readonly secret: readonly PathEntry[];
  readonly protected: readonly PathEntry[];
  readonly agentConfig: readonly PathEntry[];
  readonly guard: readonly PathEntry[];
  readonly runsLater: readonly PathEntry[];
  readonly device: readonly PathEntry[];
}

/** Words that destroy: see data/destructive.json. */
export interface DestructiveLists {
  readonly about: string;
  readonly verbs: readonly string[];
  readonly code: readonly string[];
  readonly sql: readonly string[];
}
