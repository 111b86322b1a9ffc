import type { CacheFacts } from "./caches.ts";
import type { Mark } from "./mark.ts";
import type { GroupParents } from "./plan.ts";

/** Whom and where a sandbox is for. All paths absolute. */
export interface Place {
  /** Project root: what a command may write to. */
  readonly root: string;
  readonly cwd: string;
  readonly home: string;
  /** Home directories of others: what is a credential store or a guard in one's own is one there. */
  readonly otherHomes?: readonly string[] | undefined;
  /** Directory of cordon's own private state; a command can neither read nor write it. */
  readonly state: string;
  /**
   * Where the root is a part of a checkout: its top, and the repository behind a linked worktree or
   * a submodule that names this checkout in turn. Absent where there is none, or it cannot be told.
   */
  readonly checkout?: { readonly top: string; readonly repository?: string | undefined } | undefined;
  readonly user: { readonly uid: number; readonly gid: number };
}

/** What the plan wants to know of the machine. Plain data; the host answers with `SandboxFacts`. */
export interface SandboxNeeds {
  /** Directories that are to be writable, as they were named. The first is the workspace. */
  readonly roots: readonly WantedRoot[];
  readonly cwd: string;
  readonly home: string;
  /** Directories outside the workspace that git reads, and that private places would hide. */
  readonly checkout: readonly string[];
  /** What to look for: exact paths, globs below a base, and names at any depth below the roots. */
  readonly marks: readonly Mark[];
  /** Exact paths whose type and target the plan needs. */
  readonly paths: readonly string[];
  /** Names of directories that are not searched. */
  readonly skip: readonly string[];
  /** Directory entries looked at before a search gives up; a directory counts as several. */
  readonly budget: number;
}

export interface WantedRoot {
  readonly path: string;
  readonly from: "workspace" | "directory" | "allowWrite";
}

export type FileType = "file" | "directory" | "other" | "absent";

/** What stands at a path. */
export interface Seen {
  readonly path: string;
  /** Where it leads after every link; the path itself where it is absent or leads nowhere. */
  readonly real: string;
  /** Type of `real`. */
  readonly type: FileType;
  /** Text of the link, where the path itself is one. */
  readonly link?: string | undefined;
  /** Of what a link leads to, as `id` tells it; absent where it leads nowhere. */
  readonly targetId?: string | undefined;
  /** Tells an entry from any other that ever had its name: device, inode, time of birth. */
  readonly id: string;
  /** Changes with every change of content or attributes. */
  readonly stamp: string;
}

/** An entry that bears a mark. */
export interface Sighting extends Seen {
  /** Index into the marks of the needs. */
  readonly mark: number;
  /** Direct entries that the mark does not mean, absolute; only where the mark has exceptions. */
  readonly open: readonly string[];
  /** Direct entries it does mean; only where the mark has exceptions. */
  readonly closed: readonly string[];
}

/** A file in a git directory that decides what git runs. */
export interface GitFile extends Seen {
  readonly name: string;
  /** Content of a file of at most 64 KiB. */
  readonly text?: string | undefined;
}

/** A git directory, told by its content: HEAD, and objects and refs or a commondir. */
export interface GitDir {
  /** Real path. */
  readonly path: string;
  readonly id: string;
  /** Entered by the name `.git` or below one; false for the bare shape. */
  readonly named: boolean;
  /** What of `GIT_FILES` is there. */
  readonly files: readonly GitFile[];
  /** Entries of the hooks directory that git would run. */
  readonly hooks: readonly Seen[];
}

/** A file `.git` that sends git elsewhere, as in linked worktrees and submodules. */
export interface GitLink extends Seen {
  readonly text?: string | undefined;
  /** Real path of the git directory it names. */
  readonly target?: string | undefined;
  /** Real path of the repository behind a linked worktree; the target itself otherwise. */
  readonly common?: string | undefined;
  /** The git directory names this working tree in turn. */
  readonly backlinked: boolean;
}

/** Everything found below the roots and at the marked paths, at one time. */
export interface Survey {
  readonly sightings: readonly Sighting[];
  readonly gits: readonly GitDir[];
  readonly gitLinks: readonly GitLink[];
  /** Socket files below the roots. */
  readonly sockets: readonly string[];
  /** Directories that could not be looked into. */
  readonly unread: readonly string[];
  /** Of these, the ones below a root that stand there and can be hidden. */
  readonly closed?: readonly string[] | undefined;
  /** False when the budget ran out below the roots. */
  readonly complete: boolean;
  /** Where it ran out: the directory that holds the most of it. */
  readonly largest?: string | undefined;
  /** Directories outside the roots whose search for patterns did not reach its end. */
  readonly short?: readonly string[] | undefined;
}

/** What the host found. */
export interface SandboxFacts {
  /** What these facts answer. */
  readonly needs: SandboxNeeds;
  /** The wanted roots, in order. */
  readonly roots: readonly Seen[];
  readonly cwd: Seen;
  /** Answers to `checkout`, in order. */
  readonly checkout: readonly Seen[];
  readonly survey: Survey;
  /** Answers to `paths`, in order. */
  readonly paths: readonly Seen[];
  /** Paths to which a socket of this machine is bound. */
  readonly sockets: readonly string[];
  /** Caches of tools; absent where nobody looked: then a command has private ones. */
  readonly caches?: CacheFacts | undefined;
  /** The caller's environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Hard limits of the caller by name; absent = unlimited. */
  readonly hardLimits: {
    readonly data?: number;
    readonly nproc?: number;
    readonly fsize?: number;
    readonly nofile?: number;
  };
  readonly machine: {
    readonly arch: string;
    /** What is to carry the plan out; absent = not yet known, and planned for the one that can do least. */
    readonly rung?: string | undefined;
    /** Absolute paths of programs outside every writable root. */
    readonly bash?: string | undefined;
    readonly prlimit?: string | undefined;
    readonly groups?: GroupParents | undefined;
  };
  /** Owner of the workspace, and whether that user can reach it by permission bits. */
  readonly owner: { readonly uid: number; readonly gid: number; readonly reaches: boolean };
}

/** Names in a git directory that decide what git runs or where it looks. */
export const GIT_FILES: readonly string[] = [
  "hooks",
  "config",
  "config.worktree",
  "commondir",
  "gitdir",
  "info/attributes",
];

/** How the name of a link begins that leads out of its git directory. */
export const LINK_OUT = "a link: ";
