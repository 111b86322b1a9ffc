import { isWithin, parentOf } from "../../call/path.ts";
import { accessAt } from "./access.ts";
import { LEAST_ABI_ALONE, NEWEST_ABI } from "./landlock.ts";
import type { LandlockPlan, LandlockRule, Note, SandboxPlan, SandboxRefusal } from "./plan.ts";

/** One entry of a directory; links are not followed. */
export interface DirectoryEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "link" | "socket" | "other";
}

/** What is in directories. One that is absent here counts as empty. */
export type Listings = ReadonlyMap<string, readonly DirectoryEntry[]>;

/** More rules than this are refused: the kernel walks them for every file that is opened. */
const MOST_RULES = 20_000;

/** Devices that are the same for everybody. A terminal is not: it may be another one of the person's. */
const DEVICES: readonly string[] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/** What programs read below /proc that tells nothing of other processes. */
const PROC_FILES: readonly string[] = [
  "/proc/cpuinfo",
  "/proc/filesystems",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/sys",
  "/proc/uptime",
  "/proc/version",
];

const RANK = { hidden: 0, read: 1, write: 2 } as const;
type Reach = keyof typeof RANK;
type Labels = ReadonlyMap<string, Reach>;

/**
 * What the mounts of a plan come to where there are none: every path that one of them names, and
 * what may be done there. What is private inside is hidden: the machine's own is not for reading.
 *
 * Protected names count as the directory around them. To hold them, that directory would have to
 * be closed for new entries, and with `.git/config` no commit would work; they are compared and
 * put back afterwards. What a rule of a person denies is held.
 */
function labelsOf({ mounts, protected: guarded, inspection }: SandboxPlan): Labels {
  const { needs, before } = inspection;
  const firm: readonly (string | undefined)[] = ["denied-write", "credential"];
  const denied = new Set([
    ...before.sightings.flatMap(({ mark, real }) => (firm.includes(needs.marks[mark]?.role) ? [real] : [])),
    // Only a rule or the guard holds a whole writable directory.
    ...inspection.writable,
  ]);
  const soft = new Set(guarded.map(({ path }) => path).filter((path) => !denied.has(path)));
  const hard = mounts.filter((mount) => mount.kind !== "ro-bind" || !soft.has(mount.to));
  const reach = (path: string): Reach => {
    switch (accessAt(hard, path)) {
      case "writable":
        return "write";
      case "read-only":
        return "read";
      case "private":
      case "hidden":
        return "hidden";
    }
  };
  const paths = new Set(["/", ...hard.filter(({ kind }) => kind !== "symlink").map(({ to }) => to)]);
  return new Map([...paths].map((path) => [path, reach(path)]));
}

/** Labels below `path` that allow less than `reach`. */
function cuts(labels: Labels, path: string, reach: Reach): readonly string[] {
  return [...labels].flatMap(([at, label]) =>
    at !== path && RANK[label] < RANK[reach] && isWithin(at, path) ? [at] : [],
  );
}

/** Directories whose entries `landlockAlone` has to know. */
export function landlockListings(plan: SandboxPlan): readonly string[] {
  const labels = labelsOf(plan);
  const directories = new Set<string>();
  for (const [path, reach] of labels)
    for (const cut of cuts(labels, path, reach))
      for (let at = parentOf(cut); isWithin(at, path); at = parentOf(at)) {
        directories.add(at);
        if (at === "/") break;
      }
  return [...directories];
}

/**
 * The rules that stand for the mounts of a plan where there can be none. What is denied inside
 * something that is granted is left out by granting everything beside it, as it was listed: what
 * appears there later is denied.
 *
 * INVARIANT: no rule grants a path that the plan hides, nor writing to one that a person's rule
 * denies. Where that cannot be had, it refuses.
 */
export function landlockAlone(
  plan: SandboxPlan,
  ground: { readonly abi: number; readonly listings: Listings; readonly temporary: string },
):
  | { readonly kind: "rules"; readonly landlock: LandlockPlan; readonly notes: readonly Note[] }
  | SandboxRefusal {
  const { abi, listings, temporary } = ground;
  if (abi < LEAST_ABI_ALONE)
    return refused(
      `Landlock of this kernel has ABI ${abi}, ${LEAST_ABI_ALONE} is needed without namespaces`,
      "use a kernel from 6.2 on, or allow user namespaces",
    );
  const all = labelsOf(plan);
  // No socket can be made on this rung, so that none can be reached either.
  const labels: Labels = new Map([...all].filter(([path]) => typeAt(listings, path) !== "socket"));
  const closed = new Set<string>();
  const rules: LandlockRule[] = [];
  const expand = (path: string, reach: "read" | "write"): void => {
    if (cuts(labels, path, reach).length === 0) {
      rules.push({ path, grant: reach });
      return;
    }
    if (reach === "write") closed.add(path);
    for (const { name, type } of listings.get(path) ?? []) {
      const child = path === "/" ? `/${name}` : `${path}/${name}`;
      const label = labels.get(child);
      // Any other label is a beginning of its own.
      if (label !== undefined && label !== reach) continue;
      if (type === "directory" && cuts(labels, child, reach).length > 0) expand(child, reach);
      else if (type === "directory") rules.push({ path: child, grant: reach, optional: true });
      else if (type === "file")
        rules.push({ path: child, grant: reach === "write" ? "edit" : "read", optional: true });
    }
  };
  for (const [path, reach] of labels)
    if (reach !== "hidden" && around(labels, path) !== reach) expand(path, reach);

  const leak = [...labels].find(
    ([path, reach]) =>
      reach !== "write" &&
      rules.some((rule) => RANK[grantReach(rule)] > RANK[reach] && isWithin(path, rule.path)),
  );
  if (leak !== undefined)
    return refused(`${leak[0]} cannot be kept apart by rules of Landlock`, "allow user namespaces");
  if (rules.length > MOST_RULES)
    return refused(
      `${rules.length} rules of Landlock would be needed, at most ${MOST_RULES} are made`,
      "deny a directory instead of the single files in it",
    );
  return {
    kind: "rules",
    landlock: {
      abi: Math.min(abi, NEWEST_ABI),
      rules: [
        ...rules,
        { path: temporary, grant: "write" },
        ...DEVICES.map((path): LandlockRule => ({ path, grant: "device", optional: true })),
        ...PROC_FILES.map((path): LandlockRule => ({ path, grant: "read", optional: true })),
      ],
      scopes: abi >= 6 ? ["signal", "abstract"] : [],
    },
    notes: [...closed].map((path) => ({
      what: `nothing can be made, removed or renamed directly in ${path}, because something in it is denied`,
      loses: "nothing",
    })),
  };
}

function grantReach({ grant }: LandlockRule): Reach {
  return grant === "read" ? "read" : "write";
}

/** The label of the nearest directory above. */
function around(labels: Labels, path: string): Reach {
  for (let at = path; at !== "/";) {
    at = parentOf(at);
    const label = labels.get(at);
    if (label !== undefined) return label;
  }
  return "hidden";
}

function typeAt(listings: Listings, path: string): DirectoryEntry["type"] | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return listings.get(parentOf(path))?.find((entry) => entry.name === name)?.type;
}

function refused(why: string, hint: string): SandboxRefusal {
  return { kind: "refused", why, hint };
}
