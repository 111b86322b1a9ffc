import type { Policy } from "../../settings/policy.ts";
import { isWithin, normalise } from "../../call/path.ts";
import type { Place, SandboxNeeds, WantedRoot } from "./facts.ts";
import type { PathEntry, PathLists } from "../../knowledge/paths.ts";
import { type MovedDirectory, moveEntry } from "../../inquiry/path-classes.ts";
import { type Mark, exactPath, markOfEntry, markOfPath, marksOfPattern, marksOfRule } from "./mark.ts";

/** Top-level entries that make up the system, for settings that block reads outside the workspace. */
export const SYSTEM_PATHS: readonly string[] = [
  "/bin",
  "/etc",
  "/gnu",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/nix",
  "/opt",
  "/sbin",
  "/sys",
  "/usr",
];

/** Places below /run that programs of the system are reached through. */
export const RUN_PATHS: readonly string[] = [
  "/run/booted-system",
  "/run/current-system",
  "/run/opengl-driver",
  "/run/wrappers",
];

/** Where temporary files go, best first. Each is private inside, unless it is a writable root. */
export const TEMPORARY_PATHS: readonly string[] = ["/tmp", "/var/tmp", "/dev/shm"];

/** Where services of the machine keep their sockets; empty inside. */
export const SOCKET_PLACES: readonly string[] = ["/run", "/var/run"];

/** Kernel file systems that show more than a command needs. */
export const KERNEL_PATHS: readonly string[] = [
  "/sys/firmware/efi/efivars",
  "/sys/kernel/debug",
  "/sys/kernel/security",
  "/sys/kernel/tracing",
];

/** The lists of data/paths.json that a plan needs. */
export type SandboxLists = Pick<PathLists, "credential" | "protected" | "agentConfig" | "guard"> &
  Partial<Pick<PathLists, "runsLater">>;

/** The lists, with what their entries mean in directories that the environment puts elsewhere. */
export function movedLists(lists: SandboxLists, moved: readonly MovedDirectory[]): SandboxLists {
  if (moved.length === 0) return lists;
  const more = (list: readonly PathEntry[]): readonly PathEntry[] => [
    ...list,
    ...moved.flatMap((each) => list.flatMap((entry) => moveEntry(entry, each))),
  ];
  return {
    ...lists,
    credential: more(lists.credential),
    protected: more(lists.protected),
    agentConfig: more(lists.agentConfig),
    guard: more(lists.guard),
  };
}

/** Whose rules may name a credential store. */
const OWN_SCOPES: readonly string[] = ["managed", "user"];

/**
 * Everything the sandbox plan wants to know of the machine.
 *
 * INVARIANT: a path that a rule, a list or the settings deny is in `marks`; what the host then
 * does not find is absent, and what appears later is found by the search after the command.
 */
export function sandboxNeeds(policy: Policy, place: Place, lists: SandboxLists): SandboxNeeds {
  const { sandbox, rules } = policy;
  const entries = (list: NonNullable<SandboxLists[keyof SandboxLists]>, role: Mark["role"]): Mark[] =>
    list.map((entry) => markOfEntry(entry, role, place.home));
  const everywhere = (list: SandboxLists["credential"], role: Mark["role"]): Mark[] => [
    ...entries(list, role),
    ...(place.otherHomes ?? []).flatMap((home) =>
      list.filter(({ pattern }) => pattern.startsWith("~/")).map((entry) => markOfEntry(entry, role, home)),
    ),
  ];
  const paths = (list: readonly string[], role: Mark["role"], key: string): Mark[] =>
    list.flatMap((path) => marksOfPattern(path, role, path, `the setting sandbox.filesystem.${key}`));
  const checkout = hiddenCheckout(place);
  // What becomes visible of a checkout is under the same denials as the workspace.
  const here = [...new Set([place.root, place.cwd, ...checkout].map(normalise))];
  const denied = (tools: readonly string[], role: Mark["role"]): Mark[] =>
    rules
      .filter((rule) => rule.effect === "deny" && tools.includes(rule.tool))
      .flatMap((rule) => marksOfRule(rule, role, place.home, here));

  // Only a rule that spells the path names a credential store; `~/**` does not.
  const named = rules
    .filter(({ effect, scope, tool }) => effect === "allow" && OWN_SCOPES.includes(scope) && tool === "Read")
    .flatMap((rule) => marksOfRule(rule, "named-read", place.home, []))
    .filter((mark) => exactPath(mark) !== undefined);
  const own = [place.state, ...(policy.cordon.audit.path === undefined ? [] : [policy.cordon.audit.path])];
  const deniedRead = [
    ...paths(sandbox.denyRead, "denied-read", "denyRead"),
    ...denied(["Read", "*"], "denied-read"),
  ];
  const deniedWrite = [
    ...paths(sandbox.denyWrite, "denied-write", "denyWrite"),
    ...denied(["Edit", "Write", "MultiEdit", "NotebookEdit"], "denied-write"),
  ];
  const runsLater = [
    ...(lists.runsLater ?? []),
    ...policy.limitsOfPaths.runsLater.map((pattern) => ({ pattern, why: "the setting cordon.runsLater" })),
  ];
  const marks: readonly Mark[] = [
    ...everywhere(lists.credential, "credential"),
    ...deniedRead,
    ...paths(sandbox.allowRead, "opened-read", "allowRead"),
    ...named,
    ...deniedWrite,
    ...entries(lists.protected.filter(isForSandbox), "protected"),
    ...entries(lists.agentConfig, "protected"),
    ...policy.limitsOfPaths.protectedPaths.flatMap((pattern) =>
      entries([{ pattern, why: "the setting cordon.protectedPaths" }], "protected"),
    ),
    ...(sandbox.holdRunsLater === true ? entries(runsLater, "protected") : []),
    ...everywhere(lists.guard, "guard"),
    ...own.flatMap((path) => [
      markOfPath(path, "own", path, "cordon's own state"),
      // Also where it does not exist yet.
      markOfPath(path, "guard", path, "cordon's own state"),
    ]),
  ];
  const reachesAll = [...deniedRead, ...deniedWrite].some((mark) => mark.segments.includes("**"));
  return {
    roots: wantedRoots(policy, place),
    cwd: place.cwd,
    home: place.home,
    checkout,
    marks,
    paths: [...SYSTEM_PATHS, ...RUN_PATHS, ...TEMPORARY_PATHS, ...SOCKET_PLACES, ...KERNEL_PATHS, place.home],
    skip: reachesAll ? [] : ["node_modules"],
    budget: 2_000_000,
  };
}

/**
 * The parts of the checkout around the root that lie below a directory for temporary files; the
 * whole of such a directory is never one.
 */
function hiddenCheckout({ checkout }: Place): readonly string[] {
  const parts = checkout === undefined ? [] : [checkout.top, checkout.repository];
  return parts.flatMap((path) =>
    path !== undefined && TEMPORARY_PATHS.some((place) => path !== place && isWithin(path, place))
      ? [path]
      : [],
  );
}

/** `.git` and what lies in it are told by content, not by name; see git directories in the facts. */
function isForSandbox(entry: PathLists["protected"][number]): boolean {
  return entry.pattern !== ".git" && !entry.pattern.startsWith(".git/");
}

function wantedRoots(policy: Policy, place: Place): readonly WantedRoot[] {
  const workspace: WantedRoot = { path: normalise(place.root), from: "workspace" };
  const more = [
    ...policy.directories.map((path): WantedRoot => ({ path: normalise(path), from: "directory" })),
    ...policy.sandbox.allowWrite.map((path): WantedRoot => ({ path: normalise(path), from: "allowWrite" })),
  ];
  // A root inside another one is writable already. It must not be resolved through links either:
  // a command could have put a link in its place.
  const kept = more.reduce<readonly WantedRoot[]>(
    (roots, root) => (roots.some((other) => isWithin(root.path, other.path)) ? roots : [...roots, root]),
    [workspace],
  );
  return kept.filter(
    (root) =>
      root === workspace ||
      !kept.some((other) => other !== root && other !== workspace && isWithin(root.path, other.path)),
  );
}
