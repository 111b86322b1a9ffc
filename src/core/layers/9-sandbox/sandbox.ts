import type { Policy } from "../../settings/policy.ts";
import { isWithin, normalise } from "../../call/path.ts";
import { sandboxEnvironment } from "./environment.ts";
import type { Place, SandboxFacts, Sighting } from "./facts.ts";
import { neededGroups, plannedLimits } from "./limits.ts";
import { argumentCount, fileSystem, hidesPath, mountLimits } from "./mounts.ts";
import { TEMPORARY_PATHS } from "./needs.ts";
import { type Mark, covers, markOfEntry } from "./mark.ts";
import { sandboxNotes } from "./notes.ts";
import { NAMESPACES, type Note, type Planned, type SandboxRefusal } from "./plan.ts";

/** Directories that can never be a writable root, whoever asks. */
const NEVER_WRITABLE: readonly string[] = ["/proc", "/sys", "/dev"];

/**
 * What the machine has to build so that one command can run confined: the whole sandbox, as data.
 *
 * `facts` are the answers to `sandboxNeeds` for the same policy and place. A workspace that cannot
 * be confined (the root of the file system, a credential store, a directory that is gone) yields a
 * refusal, never a weaker plan; anything lost is in `notes`.
 */
export function sandboxPlan(policy: Policy, place: Place, facts: SandboxFacts): Planned {
  const { needs } = facts;
  const { bash, prlimit } = facts.machine;
  const workspace = facts.roots[0];
  if (workspace === undefined || workspace.type !== "directory")
    return refused(`the workspace ${place.root} is no directory`, "start in a directory that exists");
  if (facts.cwd.type !== "directory")
    return refused(`the working directory ${place.cwd} is gone`, "change to a directory that exists");
  if (neverWritable(workspace.real))
    return refused(
      `the workspace is ${workspace.real}, which cannot be confined`,
      "start in the directory of a project",
    );
  // Seatbelt has its limits set by the shell, and cordon's launcher sets them itself.
  if (bash === undefined || (prlimit === undefined && !LIMITING.has(facts.machine.rung ?? "")))
    return refused(
      `${bash === undefined ? "bash" : "prlimit"} is not in a system directory`,
      `install ${bash === undefined ? "bash" : "prlimit (package util-linux)"}`,
    );

  const blind = unsearched(facts);
  if (blind !== undefined) return blind;

  const hidden = hiddenSightings(facts);
  const secret = hidesPath(needs, hidden, workspace.real) ?? hidesPath(needs, hidden, facts.cwd.real);
  if (secret !== undefined)
    return refused(
      `${workspace.real} must not be read: ${secret}`,
      "work in another directory, or name it in a user rule",
    );
  const lock = policy.managed.allowedDirectories;
  if (lock !== undefined && !lock.globs.some((glob) => globCovers(glob, place.home, workspace.real)))
    return refused(
      `the organisation allows no work in ${workspace.real}`,
      `work in one of: ${lock.globs.join(", ")}`,
    );

  const { writable, readOnly, notes: rootNotes } = writableRoots(policy, place, facts, hidden);
  const roots = writable.map(({ path }) => path);
  const temporary = TEMPORARY_PATHS.find((path) => !roots.some((root) => isWithin(path, root))) ?? "/dev/shm";
  const identity = workspaceOwner(place, facts);
  const uid = identity?.uid ?? place.user.uid;
  const limits = plannedLimits(policy.cordon.limits, facts, uid);
  const files = fileSystem({
    facts,
    writable,
    readOnly,
    hidden,
    opened: openedSightings(facts),
    blockReadsOutside: policy.limitsOfPaths.blockReadsOutside !== undefined || lock !== undefined,
    temporary: { path: temporary, size: limits.temporary },
    state: place.state,
    layered: identity === undefined,
  });
  if (argumentCount(files.mounts) > mountLimits(facts.machine.rung).arguments)
    return refused(
      `${files.mounts.length} paths have to be mounted, more than ${facts.machine.rung ?? "bubblewrap"} takes`,
      facts.machine.rung === "native"
        ? "deny a directory instead of the single files in it"
        : "deny a directory instead of the single files in it; cordon's own launcher takes more (`cordon sandbox doctor`)",
    );
  const arch = facts.machine.arch;
  const filter = arch === "x64" || arch === "arm64" ? arch : undefined;
  return {
    kind: "plan",
    root: workspace.real,
    cwd: facts.cwd.real,
    mounts: files.mounts,
    namespaces: NAMESPACES,
    capabilities: "none",
    network: "none",
    filter,
    environment: sandboxEnvironment(facts.environment, place.home, temporary, files.variables),
    limits,
    identity,
    programs: { bash, prlimit: prlimit ?? bash },
    protected: files.protected,
    notes: [...rootNotes, ...files.notes, ...sandboxNotes(policy, facts, { filter, uid, limits })],
    inspection: {
      needs,
      writable: roots,
      before: facts.survey,
      watch: files.watch,
      quarantine: quarantineOf(place),
      groups: neededGroups(limits, facts.machine.groups),
    },
  };
}

/** What sets a command's limits by itself. */
const LIMITING: ReadonlySet<string> = new Set(["native", "landlock", "seatbelt"]);

/** Where what a command planted is moved to. */
export function quarantineOf(place: Place): string {
  return `${place.state}/quarantine`;
}

function refused(why: string, hint: string): SandboxRefusal {
  return { kind: "refused", why, hint };
}

/** Where protected and denied paths may lie that nobody has found, a command does not run. */
function unsearched({ survey, roots, needs }: SandboxFacts): SandboxRefusal | undefined {
  if (!survey.complete)
    return refused(
      `${survey.largest ?? needs.cwd} holds more files than can be searched for protected and denied paths`,
      "remove what is not needed there, or start in a directory further down",
    );
  // Hidden as a whole it would hide the root as well.
  const closed = survey.closed?.find((path) =>
    roots.some(({ real }, index) => isWithin(real, path) && (index === 0 || real !== path)),
  );
  return closed === undefined
    ? undefined
    : refused(`${closed} cannot be looked into for protected and denied paths`, `chmod u+rwx ${closed}`);
}

function neverWritable(path: string): boolean {
  if (path.startsWith("/dev/shm/")) return false;
  return path === "/" || path === "/run" || NEVER_WRITABLE.some((place) => isWithin(path, place));
}

function sightingsOf(facts: SandboxFacts, roles: readonly Mark["role"][]): readonly Sighting[] {
  return facts.survey.sightings.filter(({ mark }) =>
    roles.includes(facts.needs.marks[mark]?.role ?? "protected"),
  );
}

/** A credential store stays hidden unless a rule of the person's own or the organisation's names it. */
function hiddenSightings(facts: SandboxFacts): readonly Sighting[] {
  const named = sightingsOf(facts, ["named-read"]).map(({ path }) => path);
  return [
    ...sightingsOf(facts, ["credential"]).filter(
      ({ path, real }) => !named.includes(path) && !named.includes(real),
    ),
    ...sightingsOf(facts, ["denied-read", "own"]),
  ];
}

/**
 * What is readable inside something hidden. A setting cannot open a credential store, a rule can;
 * neither opens what a deny rule means.
 */
function openedSightings(facts: SandboxFacts): readonly Sighting[] {
  const { marks } = facts.needs;
  const firm = marks.filter((mark) => mark.firm === true);
  const forbidden = facts.survey.sightings.filter(({ mark }) => marks[mark]?.firm === true);
  const outside = (roles: readonly Mark["role"][]) => {
    const closed = [...sightingsOf(facts, roles), ...forbidden];
    return ({ path, real }: Sighting): boolean =>
      !closed.some((store) => isWithin(real, store.real)) &&
      !firm.some((mark) => covers(mark, path) || covers(mark, real));
  };
  return [
    ...sightingsOf(facts, ["opened-read"]).filter(outside(["credential", "own"])),
    ...sightingsOf(facts, ["named-read"]).filter(outside(["own"])),
  ];
}

function globCovers(glob: string, home: string, path: string): boolean {
  return covers(markOfEntry({ pattern: glob.replace(/\/\*\*$/, ""), why: glob }, "opened-read", home), path);
}

interface Writable {
  readonly writable: readonly { readonly path: string; readonly why: string }[];
  /** Of these, what a denial of a directory above means as well. */
  readonly readOnly: readonly { readonly path: string; readonly why: string }[];
  readonly notes: readonly Note[];
}

/** The directories a command may write to: the wanted ones that exist and are not denied, and the git directories that commits need. */
function writableRoots(
  policy: Policy,
  place: Place,
  facts: SandboxFacts,
  hidden: readonly Sighting[],
): Writable {
  const { needs } = facts;
  const notes: Note[] = [];
  const lock = policy.managed.allowedDirectories;
  const denied = needs.marks.filter(({ role }) => role === "denied-write" || role === "guard");
  const denies = (...paths: readonly string[]): Mark | undefined =>
    denied.find((mark) => paths.some((path) => covers(mark, path)));
  const isLocked = (path: string): boolean =>
    lock !== undefined && !lock.globs.some((glob) => globCovers(glob, place.home, path));
  const writable: { path: string; why: string }[] = [];
  facts.roots.forEach((seen, index) => {
    const wanted = needs.roots[index];
    if (wanted === undefined) return;
    const skip = (what: string): void => {
      notes.push({ what: `${wanted.path} is not writable: ${what}`, loses: "nothing" });
    };
    if (seen.type === "absent") return skip("it does not exist");
    if (index > 0) {
      if (neverWritable(seen.real)) return skip("it belongs to the kernel or to the whole machine");
      if (isWithin(place.state, seen.real)) return skip("cordon keeps its own state in it");
      const secret = hidesPath(needs, hidden, seen.real);
      if (secret !== undefined) return skip(secret);
      const deny = denies(seen.real, wanted.path);
      if (deny !== undefined) return skip(deny.why);
      if (isLocked(seen.real)) return skip("the organisation does not allow it");
      if (facts.survey.closed?.includes(seen.real)) return skip("it cannot be looked into");
    }
    const why = {
      workspace: "the workspace",
      directory: "a working directory",
      allowWrite: "sandbox.allowWrite",
    };
    if (!writable.some(({ path }) => path === seen.real))
      writable.push({ path: seen.real, why: why[wanted.from] });
  });
  // Only a repository that names this working tree in turn is made writable for it.
  for (const link of facts.survey.gitLinks) {
    const top = writable.some(({ path }) => normalise(`${path}/.git`) === link.path);
    const common = link.common;
    if (!top || common === undefined || writable.some(({ path }) => isWithin(common, path))) continue;
    const closed =
      hidesPath(needs, hidden, common) ??
      denies(common)?.why ??
      (isLocked(common) ? "the organisation does not allow it" : undefined) ??
      (policy.limitsOfPaths.blockReadsOutside === undefined
        ? undefined
        : "the settings block reads outside the working directories");
    if (link.backlinked && closed === undefined && !neverWritable(common)) {
      writable.push({ path: common, why: "the repository behind this working tree" });
    } else {
      notes.push({
        what: `${common} is not writable, so git cannot commit here: ${closed ?? "the repository does not name this working tree"}`,
        loses: "nothing",
      });
    }
  }
  // The workspace itself is there all the same, to be read.
  const readOnly = writable.flatMap(({ path }) => {
    const deny = denies(path);
    return deny === undefined ? [] : [{ path, why: deny.why }];
  });
  return { writable, readOnly, notes };
}

/** Started as root in somebody's workspace, the command runs as that somebody, who can write there. */
function workspaceOwner(
  place: Place,
  facts: SandboxFacts,
): { readonly uid: number; readonly gid: number } | undefined {
  const { uid, gid, reaches } = facts.owner;
  return place.user.uid === 0 && uid !== 0 && reaches ? { uid, gid } : undefined;
}
