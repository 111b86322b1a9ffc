/** What the core wants to know of the world before it decides. Equal needs have equal keys. */
export type Need =
  /** Resolve an absolute path as the kernel would, `..` after links included. */
  | { readonly kind: "path"; readonly path: string }
  /** Expand an absolute pathname pattern as bash would. */
  | { readonly kind: "glob"; readonly pattern: string }
  /** Which branch is checked out in the repository that contains `dir`. */
  | { readonly kind: "branch"; readonly dir: string }
  /** Names of files below `dir`, for readers that recurse. */
  | { readonly kind: "tree"; readonly dir: string }
  /** Names below a path or below the matches of a pattern, as far as a short look goes. */
  | { readonly kind: "below"; readonly path: string; readonly glob: boolean }
  /** The text of a small file, such as package.json. */
  | { readonly kind: "text"; readonly path: string }
  /** A URL as the WHATWG parser reads it. */
  | { readonly kind: "url"; readonly url: string };

/** The key under which the fact for a need is filed. */
export function needKey(need: Need): string {
  switch (need.kind) {
    case "path":
      return `path:${need.path}`;
    case "glob":
      return `glob:${need.pattern}`;
    case "branch":
      return `branch:${need.dir}`;
    case "tree":
      return `tree:${need.dir}`;
    case "below":
      return `below:${need.glob ? "*" : ""}${need.path}`;
    case "text":
      return `text:${need.path}`;
    case "url":
      return `url:${need.url}`;
  }
}

/**
 * Where a path leads. Absence is a known fact. `failed`: this user cannot reach it (a loop, a file
 * where a directory should be, no permission), so neither can the agent. A host that could not find
 * out leaves the fact away.
 */
export type PathFact =
  | {
      readonly kind: "path";
      /** Where the name leads after every link; for an absent name the deepest existing parent is resolved. */
      readonly real: string;
      /** Every path on the way that a link pointed to, without the start and without `real`. */
      readonly hops: readonly string[];
      readonly type: "file" | "directory" | "other" | "absent";
    }
  | { readonly kind: "failed"; readonly why: string };

/** Matches of a pattern, absolute; `complete` is false when the search was cut short. */
export interface GlobFact {
  readonly kind: "glob";
  readonly matches: readonly string[];
  readonly complete: boolean;
}

export interface BranchFact {
  readonly kind: "branch";
  /** Undefined: detached, no repository, or it could not be read. */
  readonly branch: string | undefined;
}

/** Absolute paths of the files below a directory; `complete` is false when the walk was cut short. */
export interface TreeFact {
  readonly kind: "tree";
  readonly files: readonly string[];
  readonly complete: boolean;
}

/**
 * Names a removal, move or copy takes along, each with the path or match it lies below, these
 * themselves included. `complete` is false where the look was cut short: a large tree.
 */
export interface BelowFact {
  readonly kind: "below";
  readonly entries: readonly { readonly from: string; readonly path: string }[];
  readonly complete: boolean;
}

export interface TextFact {
  readonly kind: "text";
  /** The file is there. */
  readonly exists: boolean;
  /** Undefined: absent, too large or not readable. */
  readonly text: string | undefined;
  /** SHA-256 of its bytes, in hexadecimal; undefined where it could not be read. */
  readonly hash: string | undefined;
}

export interface UrlFact {
  readonly kind: "url";
  /** `https:` and the like. */
  readonly protocol: string;
  /** Canonical host name: lower case, punycode, IPv4 in dotted form, IPv6 in brackets; empty where there is none. */
  readonly host: string;
}

/** What a hook that is asked before a call answered, or why it counts as if it had. */
export interface HookFact {
  readonly name: string;
  /** `file:line` of the settings it stands in. */
  readonly source?: string | undefined;
  readonly decision: "allow" | "ask" | "deny" | "none";
  readonly why: string;
  /**
   * Why it counts so, where these are not the hook's own words: it failed, told the agent to stop,
   * cannot be run by cordon, changed the input otherwise than another one, or never came to an end
   * with changing it.
   */
  readonly because?: "failed" | "stop" | "unsupported" | "conflict" | "loop" | undefined;
}

/** A permission a person gave for this session. */
export interface Grant {
  readonly rule: string;
}

/**
 * What the host found out for one call.
 *
 * INVARIANT: the core treats a missing fact as the worst one it can be; removing a fact never
 * relaxes a verdict.
 */
export interface Facts {
  readonly paths: ReadonlyMap<string, PathFact>;
  readonly globs: ReadonlyMap<string, GlobFact>;
  readonly branches: ReadonlyMap<string, BranchFact>;
  readonly trees: ReadonlyMap<string, TreeFact>;
  readonly below: ReadonlyMap<string, BelowFact>;
  readonly texts: ReadonlyMap<string, TextFact>;
  /** A URL the parser refuses has no entry. */
  readonly urls: ReadonlyMap<string, UrlFact>;
  readonly hooks: readonly HookFact[];
  readonly grants: readonly Grant[];
  /** Hash of the content of each file this session has read, by real path; for `requireReadFirst`. */
  readonly reads: ReadonlyMap<string, string>;
  /** Why commands cannot be confined although they should be; undefined where they can, or need not. */
  readonly sandboxFault?: string | undefined;
}

export const NO_FACTS: Facts = {
  paths: new Map(),
  globs: new Map(),
  branches: new Map(),
  trees: new Map(),
  below: new Map(),
  texts: new Map(),
  urls: new Map(),
  hooks: [],
  grants: [],
  reads: new Map(),
};
