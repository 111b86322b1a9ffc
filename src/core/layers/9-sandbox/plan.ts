import type { Rung } from "../../settings/policy.ts";
import type { SandboxNeeds, Seen, Survey } from "./facts.ts";

/** One step of building the file system inside, in order. All paths absolute. */
export type Mount =
  /** `from` of the outside, readable. */
  | { readonly kind: "ro-bind"; readonly from: string; readonly to: string; readonly why: string }
  /** `from` of the outside, writable. Where `to` is another path, `from` is a directory of cordon's own. */
  | { readonly kind: "bind"; readonly from: string; readonly to: string; readonly why: string }
  /**
   * `lower` of the outside, readable; what is written lands in `upper` and nowhere else. `work` is
   * the kernel's own, on the file system of `upper`. Extended attributes of users, no redirects.
   */
  | {
      readonly kind: "overlay";
      readonly lower: string;
      readonly upper: string;
      readonly work: string;
      readonly to: string;
      readonly why: string;
    }
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
  /** Of data, for each process. */
  readonly memory: number;
  /** All processes together. */
  readonly totalMemory: number;
  /** What holds the memory of all: a control group, or cordon looks four times a second. */
  readonly memoryBy: "group" | "count";
  readonly processes: number;
  /** What holds the number of processes; the kernel exempts the real root from its own limit. */
  readonly processesBy: "rlimit" | "group" | "count";
  /** All processes together; each alone is held by the kernel. */
  readonly cpuTime?: number | undefined;
  readonly fileSize: number;
  /** By which the disks of the writable directories may fill up; cordon looks four times a second. */
  readonly disk?: number | undefined;
  readonly openFiles: number;
  readonly temporary: number;
  /** Both streams together, where cordon passes them on. */
  readonly output: number;
  readonly time?: number | undefined;
}

/** Control group directories in which the caller may make groups, by what they can hold. */
export interface GroupParents {
  readonly pids?: string | undefined;
  readonly memory?: string | undefined;
  /** Counts processor time. */
  readonly cpu?: string | undefined;
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

/** What Landlock grants at a path and below it. Everything that no rule grants is denied. */
export interface LandlockRule {
  readonly path: string;
  /** `edit` changes files that exist and makes none; `device` is for devices only. */
  readonly grant: "read" | "edit" | "device" | "write";
  /** The path may be absent when the command starts. */
  readonly optional?: true;
}

/**
 * The rules of Landlock for one command, and the ABI they are made for.
 *
 * INVARIANT: a kernel that does not know the ABI is no place for the plan; less is never applied.
 */
export interface LandlockPlan {
  readonly abi: number;
  readonly rules: readonly LandlockRule[];
  /** Processes and abstract sockets outside that cannot be reached. */
  readonly scopes: readonly ("signal" | "abstract")[];
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
  /** Control groups below which those for this command are made. */
  readonly groups?: GroupParents | undefined;
}

/**
 * One command's sandbox, as data.
 *
 * INVARIANT: nothing of the machine is reachable for writing that no `bind` names, and a path
 * that a mask names is unreadable. Whoever acts on the plan adds no mount and leaves none out.
 */
export interface SandboxPlan {
  readonly kind: "plan";
  /** How it is to be carried out; absent = not yet said, see `planAtRung`. */
  readonly rung?: Rung | "seatbelt" | undefined;
  /** Beside the mounts, or in their place on the rung `landlock`. Absent = no Landlock. */
  readonly landlock?: LandlockPlan | undefined;
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
