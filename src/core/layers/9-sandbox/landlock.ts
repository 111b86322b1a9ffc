import { isWithin } from "../../call/path.ts";
import type { LandlockPlan, LandlockRule, Mount, Note } from "./plan.ts";

/** The newest ABI whose rights the launcher knows; it is the number in native/landlock.h. */
export const NEWEST_ABI = 7;

/** What a kernel below an ABI lacks. */
interface Bit {
  readonly abi: number;
  readonly right: string;
  /** What is open without it where Landlock is the only wall. */
  readonly loses: string;
}

const BITS: readonly Bit[] = [
  {
    abi: 3,
    right: "files cannot be kept from being truncated",
    loses: "direct write, `..`, delete, truncate",
  },
  { abi: 4, right: "TCP ports cannot be refused", loses: "nothing: no socket can be made there" },
  { abi: 5, right: "devices that may be opened take any ioctl", loses: "handles and devices" },
  {
    abi: 6,
    right: "signals to processes outside cannot be refused",
    loses: "signals, pidfd",
  },
];

/** The least ABI with which Landlock may be the only wall around files. */
export const LEAST_ABI_ALONE = 3;
/** The least ABI that is of use beside mounts: with the first one no file can be moved between directories. */
export const LEAST_ABI_BESIDE = 2;

/** What Landlock of this ABI does not hold, of all that the newest one does; 0 = no Landlock. */
export function lostBits(abi: number): readonly Note[] {
  return BITS.filter((bit) => bit.abi > abi).map(({ right, loses, abi: needed }) => ({
    what: `Landlock ABI ${abi}, not ${needed}: ${right}`,
    loses,
  }));
}

/**
 * Landlock's rules beside the mounts: everything that is mounted is readable, and what may change
 * is what was mounted to be changed. A second wall: a mount that is missing or wrong makes nothing
 * writable. Undefined where the kernel has no Landlock that could serve.
 *
 * Masks and what is read-only in a writable directory are left to the mounts: a rule cannot take
 * away what the one for the directory above grants.
 */
export function landlockBeside(mounts: readonly Mount[], abi: number): LandlockPlan | undefined {
  if (abi < LEAST_ABI_BESIDE) return undefined;
  const sealed = new Set(mounts.flatMap((mount) => (mount.kind === "seal" ? [mount.to] : [])));
  const rules = mounts.flatMap((mount): readonly LandlockRule[] => {
    const grant = grantBeside(mount);
    const device = grant === "device";
    return grant === undefined || (sealed.has(mount.to) && !device) ? [] : [{ path: mount.to, grant }];
  });
  return {
    abi: Math.min(abi, NEWEST_ABI),
    rules: withoutRepeated([{ path: "/", grant: "read" }, ...rules]),
    scopes: abi >= 6 ? ["signal", "abstract"] : [],
  };
}

function grantBeside(mount: Mount): LandlockRule["grant"] | undefined {
  switch (mount.kind) {
    case "bind":
    case "overlay":
    case "tmpfs":
      return "write";
    case "dev":
      return "device";
    // Readable by the rule for `/`, or not at all.
    case "ro-bind":
    case "symlink":
    case "proc":
    case "mask-file":
    case "mask-dir":
    case "seal":
      return undefined;
  }
}

/** Without rules that another one makes superfluous: writing below a place that may be written. */
function withoutRepeated(rules: readonly LandlockRule[]): readonly LandlockRule[] {
  return rules.filter(
    (rule, index) =>
      !rules.some(
        (other, at) =>
          at !== index &&
          other.grant === rule.grant &&
          isWithin(rule.path, other.path) &&
          (other.path !== rule.path || at < index),
      ),
  );
}

/** The rules as words for the launcher; see native/landlock.h. */
export function landlockWords({ abi, rules, scopes }: LandlockPlan): readonly string[] {
  return [
    "--landlock",
    String(abi),
    ...scopes.flatMap((scope) => ["--landlock-scope", scope]),
    ...rules.flatMap(({ path, grant, optional }) => [
      `--landlock-${grant}${optional === true ? "-try" : ""}`,
      path,
    ]),
  ];
}
