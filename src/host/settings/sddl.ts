/** The service that owns what Windows installs. */
const TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/** Who may own and change a managed file: SYSTEM, the group of administrators, the installer of Windows. */
const ADMINISTRATORS: ReadonlySet<string> = new Set(["S-1-5-18", "S-1-5-32-544", TRUSTED_INSTALLER]);

/** Who owns the object, and is one of those above by then. */
const OWNER_RIGHTS = "S-1-3-4";

/** What the two-letter names that matter stand for; all others are somebody else. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["SY", "S-1-5-18"],
  ["BA", "S-1-5-32-544"],
  ["OW", OWNER_RIGHTS],
]);

/** Bits of an access mask by their two-letter names (MS-DTYP 2.5.1.1, as they are for files). */
const RIGHTS: ReadonlyMap<string, number> = new Map([
  ["GA", 0x1000_0000],
  ["GX", 0x2000_0000],
  ["GW", 0x4000_0000],
  ["GR", 0x8000_0000],
  ["RC", 0x2_0000],
  ["SD", 0x1_0000],
  ["WD", 0x4_0000],
  ["WO", 0x8_0000],
  ["CC", 0x1],
  ["DC", 0x2],
  ["LC", 0x4],
  ["SW", 0x8],
  ["RP", 0x10],
  ["WP", 0x20],
  ["DT", 0x40],
  ["LO", 0x80],
  ["CR", 0x100],
  ["FA", 0x1f_01ff],
  ["FR", 0x12_0089],
  ["FW", 0x12_0116],
  ["FX", 0x12_00a0],
]);

/**
 * Reading data, extended attributes and attributes, going through, reading the descriptor, waiting:
 * what others may do. Everything else changes the object, what is in it, or who may.
 */
const HARMLESS = (0x1 | 0x8 | 0x20 | 0x80 | 0x2_0000 | 0x10_0000) + 0x2000_0000 + 0x8000_0000;
/** Making a directory in one. */
const ADD_DIRECTORY = 0x4;

/** `drive`: the root of one, in which Windows lets everybody make directories. */
export type SddlPlace = "drive" | "below";

/**
 * Why an object with this security descriptor (SDDL: owner and access list) is not the
 * administrators' alone; undefined = it is: owned by SYSTEM, Administrators or TrustedInstaller, and
 * nobody else may write, append, delete, make anything in it, or change its owner or its rights.
 *
 * What is not understood is a reason: other kinds of entries that grant, unknown rights, no list at
 * all, which lets everybody do everything. Entries that deny are passed over, as are those for what
 * will be made inside (`IO`): what is there has a descriptor of its own.
 */
export function sddlFault(sddl: string, place: SddlPlace = "below"): string | undefined {
  const parts = /^O:([A-Z]{2}|S-[\d-]+)(?:G:(?:[A-Z]{2}|S-[\d-]+))?D:([A-Z]*)((?:\([^()]*\))*)$/.exec(
    sddl.trim(),
  );
  if (parts === null) return "has a security descriptor that cannot be read";
  const [, owner = "", flags = "", list = ""] = parts;
  if (!ADMINISTRATORS.has(sidOf(owner))) return `belongs to ${owner}, not to the administrators`;
  if (!/^(?:P|AR|AI)*$/.test(flags)) return "has no access list, so that everybody may change it";
  for (const [, entry = ""] of list.matchAll(/\(([^()]*)\)/g)) {
    const why = entryFault(entry, place);
    if (why !== undefined) return why;
  }
  return undefined;
}

function entryFault(entry: string, place: SddlPlace): string | undefined {
  const fields = entry.split(";");
  const [type = "", flags = "", rights = "", object = "", inherited = "", who = ""] = fields;
  const unread = `has an entry in its access list that cannot be read: (${entry})`;
  if (fields.length !== 6 || object !== "" || inherited !== "") return unread;
  if (type === "D") return undefined;
  if (type !== "A" || !/^(?:OI|CI|NP|IO|ID)*$/.test(flags)) return unread;
  if (flags.match(/../g)?.includes("IO") === true) return undefined;
  const sid = sidOf(who);
  if (ADMINISTRATORS.has(sid) || sid === OWNER_RIGHTS) return undefined;
  const mask = maskOf(rights);
  if (mask === undefined || !/^(?:[A-Z]{2}|S-[\d-]+)$/.test(who)) return unread;
  const allowed = place === "drive" ? HARMLESS + ADD_DIRECTORY : HARMLESS;
  // As numbers without a sign: bits of two masks that are not in the other.
  return (BigInt(mask) & ~BigInt(allowed)) === 0n
    ? undefined
    : `may be changed by ${who}, not by administrators alone`;
}

function sidOf(name: string): string {
  return NAMES.get(name) ?? name;
}

/** The mask of rights in hexadecimal, decimal or by names; undefined where one is unknown. */
function maskOf(rights: string): number | undefined {
  if (/^(?:0x[\da-fA-F]{1,8}|\d{1,10})$/.test(rights)) return Number(rights);
  if (rights.length % 2 !== 0) return undefined;
  let mask = 0n;
  for (const name of rights.match(/../gs) ?? []) {
    const bits = RIGHTS.get(name);
    if (bits === undefined) return undefined;
    mask |= BigInt(bits);
  }
  return Number(mask);
}
