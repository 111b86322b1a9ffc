import type { SandboxNeeds, Seen, Survey } from "./facts.ts";

/** One step of building the file system inside, in order. All paths absolute. */
export type Mount =
  /** `from` of the outside, readable. */
  | { readonly kind: "ro-bind"; readonly from: string; readonly to: string; readonly why: string }
  /** `from` of the outside, writable. */
  | { readonly kind: "bind"; readonly from: string; readonly to: string; readonly why: string }
  /** Empty, private, gone with the command. `size` in bytes. */
  | { readonly kind: "tmpfs"; readonly to: string; readonly size: number; readonly why: string }
  | { readonly kind: "symlink"; readonly to: string; readonly target: string; readonly why: string }
  | { readonly kind: "proc"; readonly to: string; readonly why: string }
  | { readonly kind: "dev"; readonly to: string; readonly why: string }
  /** Opening it is refused. */
  | { readonly kind: "mask-file"; readonly to: string; readonly why: string }
  /** Looking into it is refused; `open` are entries mounted in it afterwards. */
  | { readonly kind: "mask-dir"; readonly to: string; readonly open: boolean; readonly why: string }
  /** From here on nothing can be changed at this mount. */
  | { readonly kind: "seal"; readonly to: string; readonly why: string };

export const NAMESPACES = ["user", "pid", "ipc", "net", "uts", "cgroup"] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** Limits as they will be set. Bytes, counts, seconds; absent = none. */
export interface PlannedLimits {
  readonly memory: number;
  readonly processes: number;
  /** What holds the number of processes; the kernel exempts the real root from its own limit. */
  readonly processesBy: "rlimit" | "group" | "count";
  readonly fileSize: number;
  readonly openFiles: number;
  readonly temporary: number;
  readonly time?: number | undefined;
}

/** Something the sandbox does not stop here, so that nobody relies on it. */
export interface Note {
  readonly what: string;
  /** The class of attack that is open to this extent. */
  readonly loses: string;
}

/** A path that is read-only inside although it lies in a writable directory. */
export interface ProtectedPath {
  readonly path: string;
  readonly why: string;
}

/** How to find out afterwards what the command planted. */
export interface Inspection {
  readonly needs: SandboxNeeds;
  /** Real paths of the writable roots and of git directories outside them. */
  readonly writable: readonly string[];
  readonly before: Survey;
  /** Files that are restored if they change, because no mount holds them. */
  readonly watch: readonly Seen[];
  /** Directory for what is moved away, private to the caller. */
  readonly quarantine: string;
  /** Control group below which one for this command is made. */
  readonly pidsGroup?: string | undefined;
}

/**
 * One command's sandbox, as data.
 *
 * INVARIANT: nothing of the machine is reachable for writing that no `bind` names, and a path
 * that a mask names is unreadable. Whoever acts on the plan adds no mount and leaves none out.
 */
export interface SandboxPlan {
  readonly kind: "plan";
  /** Real path of the workspace. */
  readonly root: string;
  readonly cwd: string;
  readonly mounts: readonly Mount[];
  readonly namespaces: readonly Namespace[];
  readonly capabilities: "none";
  readonly network: "none";
  /** The processor whose system-call filter is loaded; undefined = no filter, and a note says so. */
  readonly filter: "x64" | "arm64" | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: PlannedLimits;
  /** The user to become before anything else; absent = stay who calls. */
  readonly identity?: { readonly uid: number; readonly gid: number } | undefined;
  readonly programs: { readonly bash: string; readonly prlimit: string };
  readonly protected: readonly ProtectedPath[];
  readonly notes: readonly Note[];
  readonly inspection: Inspection;
}

/** Why there is no plan. The command must not run. */
export interface SandboxRefusal {
  readonly kind: "refused";
  readonly why: string;
  readonly hint: string;
}

export type Planned = SandboxPlan | SandboxRefusal;
