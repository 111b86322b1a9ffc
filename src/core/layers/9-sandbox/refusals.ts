import { absolute, expandHome, isWithin, normalise } from "../../call/path.ts";
import { accessAt } from "./access.ts";
import { type Claim, claimsIn } from "./claims.ts";
import type { FileType } from "./facts.ts";
import { type Mark, covers } from "./mark.ts";
import type { Mount, SandboxPlan } from "./plan.ts";
import type { Refusal } from "./result.ts";

/** Most refusals that are told of one command. */
export const MOST_REFUSALS = 6;

/** Where a path leads, as the host sees it. */
export interface Place {
  /** After every link; for an absent name the deepest existing parent is resolved. */
  readonly real: string;
  readonly type: FileType;
}

/** Paths the host has to resolve before `confirmedRefusals` can tell, absolute. */
export function claimedPaths(claims: readonly Claim[], plan: SandboxPlan): readonly string[] {
  return [...new Set(claims.flatMap((claim) => (claim.kind === "path" ? [pathOf(claim, plan)] : [])))];
}

/** The claims of a failed command; one that succeeded was kept from nothing it minded. */
export function claimsOf(tail: string, status: number): readonly Claim[] {
  return status === 0 ? [] : claimsIn(tail);
}

/**
 * Those of a command's claims that its plan bears out, with the mark or mount that does it.
 *
 * INVARIANT: a path is named only where this very plan makes it unreadable or unwritable, a host
 * only where there is no network. Nothing here is certain, since a command can print anything. A
 * path the host could not resolve is left out.
 */
export function confirmedRefusals(
  claims: readonly Claim[],
  plan: SandboxPlan,
  places: ReadonlyMap<string, Place>,
): readonly Refusal[] {
  const refusals = new Map<string, Refusal>();
  for (const claim of claims) {
    const refusal = confirmed(claim, plan, places);
    if (refusal === undefined || refusals.size >= MOST_REFUSALS) continue;
    const key = `${refusal.class} ${refusal.path ?? refusal.host ?? ""}`;
    if (!refusals.has(key)) refusals.set(key, refusal);
  }
  return [...refusals.values()];
}

function confirmed(claim: Claim, plan: SandboxPlan, places: ReadonlyMap<string, Place>): Refusal | undefined {
  switch (claim.kind) {
    case "path": {
      const place = places.get(pathOf(claim, plan));
      return place === undefined ? undefined : pathRefusal(claim, place, plan);
    }
    case "host":
      return hostRefusal(claim.host, false);
    case "exec":
      return {
        class: "exec",
        rule: "no new privileges",
        why: "a program cannot get more rights than the command has",
        hint: "leave `sudo` and the like to the person",
        opens: "never",
        certain: false,
      };
    case "namespace":
      return {
        class: "namespace",
        rule: "the system-call filter",
        why: "namespaces and mounts inside would shed what the sandbox hides",
        hint: "leave commands that make containers, mounts or sandboxes of their own to the person",
        opens: "never",
        certain: false,
      };
  }
}

/** The refusal of a connection. `host` is a name or an address, where one is known. */
export function hostRefusal(host: string | undefined, certain: boolean): Refusal {
  return {
    class: "connect",
    ...(host === undefined ? {} : { host }),
    rule: "no network in the sandbox",
    why: "nothing outside the command's own loopback can be reached",
    hint: "leave what needs the network to the person, or ask for it with a tool of its own such as WebFetch",
    opens: "never",
    certain,
  };
}

function pathOf(claim: Extract<Claim, { readonly kind: "path" }>, plan: SandboxPlan): string {
  const { home } = plan.inspection.needs;
  return normalise(absolute(plan.cwd, expandHome(claim.path, home)));
}

function pathRefusal(
  claim: Extract<Claim, { readonly kind: "path" }>,
  { real, type }: Place,
  plan: SandboxPlan,
): Refusal | undefined {
  const { errno } = claim;
  // Without mounts the kernel's word for a path that may not be written is another one.
  const alone = plan.rung === "landlock" && errno === "EACCES";
  const refused = errno === "EROFS" || errno === "EBUSY" || errno === "EXDEV" || alone;
  switch (accessAt(plan.mounts, real)) {
    case "hidden":
      return readRefusal(real, plan);
    case "private":
      return errno === "EROFS" ? sealedRefusal(real, plan) : privateRefusal(real, type, plan);
    case "read-only":
      return refused || (claim.writing && errno !== "ENOENT")
        ? writeRefusal(real, plan, type !== "absent" ? undefined : claim.directory ? "directory" : "file")
        : undefined;
    case "writable":
      return errno === "EBUSY" || errno === "EXDEV" ? heldRefusal(real, plan) : undefined;
  }
}

/** A path that can be looked at but not changed. `make`: it is absent, and this was to be made of it. */
export function writeRefusal(path: string, plan: SandboxPlan, make?: Refusal["make"]): Refusal {
  const base = { class: "write", path, ...(make === undefined ? {} : { make }), certain: false } as const;
  const ask = asking("write", make === "directory" ? `${path}/` : path, plan);
  const marks = marksOver(path, plan);
  const own = marks.find(({ role }) => role === "guard" || role === "own");
  if (own !== undefined || isKernels(path))
    return {
      ...base,
      rule: own === undefined ? "the kernel's own files" : `cordon's guard (\`${own.text}\`)`,
      why: own?.why ?? "it belongs to the kernel or to the whole machine",
      hint: "no answer opens it to a command",
      opens: "never",
    };
  const denied = marks.find(({ role }) => role === "denied-write" || role === "denied-read");
  if (denied !== undefined) return { ...base, ...deniedBy(denied) };
  const held = plan.protected.find((each) => isWithin(path, each.path));
  const named = marks.find(({ role }) => role === "protected");
  if (held !== undefined || named !== undefined)
    return {
      ...base,
      rule: named === undefined ? "the list of what git obeys" : `the protected name \`${named.text}\``,
      why: held?.why ?? named?.why ?? "another program obeys it later",
      hint: `${ask}; the person is warned, since ${held === undefined || named !== undefined ? "other programs obey that file" : "git obeys that file"} outside the sandbox`,
      opens: "warn",
    };
  return {
    ...base,
    rule: "sandbox.filesystem.allowWrite",
    why: "it lies outside the directories that commands may write to",
    hint: `${ask}, or have the person add it to \`sandbox.filesystem.allowWrite\``,
    opens: "ask",
  };
}

/** A path that a mask, or the lack of a mount, hides. */
function readRefusal(path: string, plan: SandboxPlan): Refusal {
  const base = { class: "read", path, certain: false, opens: "never" } as const;
  const marks = marksOver(path, plan);
  const own = marks.find(({ role }) => role === "own");
  if (own !== undefined)
    return { ...base, rule: "cordon's guard", why: own.why, hint: "no answer opens it to a command" };
  const store = marks.find(({ role }) => role === "credential");
  if (store !== undefined)
    return {
      ...base,
      rule: `the credential store \`${store.text}\``,
      why: store.why,
      hint: "only a Read rule in the person's own settings that names it opens it",
    };
  const denied = marks.find(({ role }) => role === "denied-read");
  if (denied !== undefined) return { ...base, ...deniedBy(denied) };
  const mask = lastOver(path, plan.mounts);
  if (mask !== undefined)
    return { ...base, rule: "the sandbox's own masks", why: mask.why, hint: "no setting opens it" };
  return {
    ...base,
    rule: "permissions.blockReadsOutsideWorkingDirectories",
    why: "nothing outside the working directories and the system is readable",
    hint: "have the person add it to `sandbox.filesystem.allowRead`",
  };
}

function deniedBy(mark: Mark): Pick<Refusal, "rule" | "why" | "hint" | "opens"> {
  return {
    rule: mark.why,
    why: "the settings deny it",
    hint: "work without it, or have the person change the settings",
    opens: "never",
  };
}

/** Something of the machine that a private directory covers. */
function privateRefusal(path: string, type: FileType, plan: SandboxPlan): Refusal | undefined {
  const mount = lastOver(path, plan.mounts);
  if (type === "absent" || mount?.kind !== "tmpfs") return undefined;
  const sockets = mount.why !== "private temporary files";
  return {
    class: sockets ? "connect" : "read",
    path,
    rule: sockets ? "the sockets of this machine" : "private temporary files",
    why: sockets
      ? "programs of this machine cannot be talked to"
      : "each command has a temporary directory of its own, gone with it",
    hint: sockets
      ? "leave it to the person"
      : `keep the file in the project, or ${asking("read", path, plan)}`,
    opens: sockets ? "never" : "ask",
    certain: false,
  };
}

/** A private place in which nothing may be made. */
function sealedRefusal(path: string, plan: SandboxPlan): Refusal {
  return {
    class: "write",
    path,
    rule: "the sandbox's own places",
    why: lastOver(path, plan.mounts)?.why ?? "nothing can be changed here",
    hint: "write to the project or to $TMPDIR",
    opens: "never",
    certain: false,
  };
}

/** A writable path that holds, or is, something that keeps its name. */
function heldRefusal(path: string, plan: SandboxPlan): Refusal | undefined {
  const held = plan.mounts.find(
    (mount) =>
      (mount.kind === "bind" || mount.kind === "ro-bind") && mount.to !== "/" && isWithin(mount.to, path),
  );
  if (held === undefined) return undefined;
  return {
    class: "write",
    path,
    rule: held.to === path ? "a held name" : `\`${held.to}\` in it is held`,
    why: held.why,
    hint: "it cannot be renamed or removed by a command; copy it, or leave it to the person",
    opens: "never",
    certain: false,
  };
}

/** How a person is asked for a path. */
function asking(access: "write" | "read", path: string, plan: SandboxPlan): string {
  const { home } = plan.inspection.needs;
  return `ask for it with \`cordon sandbox --${access} ${quoted(shortPath(path, home))} -- COMMAND\``;
}

/** A path below home as a person writes it. */
export function shortPath(path: string, home: string): string {
  return home !== "/" && path !== home && isWithin(path, home) ? `~${path.slice(home.length)}` : path;
}

/** One word for a shell; `~/` stays what it is. */
function quoted(path: string): string {
  if (/^[\w@%+=:,./~-]+$/.test(path)) return path;
  const [head, rest] = path.startsWith("~/") ? ["~/", path.slice(2)] : ["", path];
  return `${head}'${rest.replaceAll("'", `'\\''`)}'`;
}

/**
 * What is said of a refusal: to the person, to the agent and in the record, in the same words.
 * Quotes what the command named: whoever prints it escapes control characters.
 */
export function refusalText(refusal: Refusal, home: string): string {
  const { path, host, rule, why, hint } = refusal;
  const about = clipped(path === undefined ? (host ?? "") : shortPath(path, home));
  return `${subjectOf(refusal.class, about)} was refused by the sandbox: ${clipped(why)} (${clipped(rule)}); ${hint}`;
}

function subjectOf(kind: Refusal["class"], about: string): string {
  switch (kind) {
    case "write":
      return `write to ${about}`;
    case "read":
      return `read of ${about}`;
    case "connect":
      return about === "" ? "a connection" : `connection to ${about}`;
    case "exec":
      return about === "" ? "more rights" : `execution of ${about}`;
    case "namespace":
      return "a namespace or mount";
  }
}

function clipped(text: string): string {
  return text.length > 300 ? `${text.slice(0, 299).replace(/[\uD800-\uDBFF]$/, "")}…` : text;
}

function marksOver(path: string, plan: SandboxPlan): readonly Mark[] {
  return plan.inspection.needs.marks.filter((mark) => covers(mark, path));
}

function lastOver(path: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts.findLast(
    (mount) => mount.kind !== "seal" && mount.kind !== "symlink" && isWithin(path, mount.to),
  );
}

function isKernels(path: string): boolean {
  return ["/proc", "/sys", "/dev"].some((place) => isWithin(path, place));
}
