import type { Need } from "../call/facts.ts";
import { isWithin, normalise, segmentsOf } from "../call/path.ts";
import { HOLE } from "../call/word.ts";
import type { Invocation, Script } from "../shell/script.ts";
import { finderOf, mayFind } from "./found.ts";
import type { Inquiry, PathUse } from "./inquiry.ts";

/** A command that removes, moves or copies things with all that lies below them. */
export interface Carrying {
  readonly part: number;
  /** What is taken, and whether what lies below goes along. */
  readonly sources: readonly { readonly use: PathUse; readonly below: boolean }[];
  /** Where it is put; none for a removal. */
  readonly targets: readonly PathUse[];
  /** The sources are gone afterwards. */
  readonly takes: boolean;
  /** Copies what lies in a source whose name ends in a slash, not the source itself. */
  readonly slash: boolean;
  /** The target is the new name, never a directory to put things into. */
  readonly exact: boolean;
  /** The command is run on each of the names below a source that fit. */
  readonly finds?: ((path: string) => boolean) | undefined;
}

const REMOVES: ReadonlySet<string> = new Set(["rm", "mv"]);
const PUTS: ReadonlySet<string> = new Set(["mv", "cp", "rsync", "install", "ln"]);
/** Nothing is lost with them that is anybody's configuration, and they are large. */
const PLAIN: ReadonlySet<string> = new Set(["node_modules", ".venv", "__pycache__"]);

/** The commands of a call that carry something along. */
export function carryingsOf(inquiry: Inquiry): readonly Carrying[] {
  const { script } = inquiry;
  if (script === undefined) return [];
  return script.invocations.flatMap((invocation) => [
    ...carrying(inquiry, invocation),
    ...changing(inquiry, script, invocation),
  ]);
}

/** `find . -exec sed -i … {} +` changes what it finds: which that is only who looks can know. */
function changing(inquiry: Inquiry, script: Script, invocation: Invocation): readonly Carrying[] {
  const { id, remote } = invocation;
  const finder = remote ? undefined : finderOf(script, invocation);
  if (finder === undefined) return [];
  const changes = ({ part, action, path }: PathUse): boolean =>
    part === id && (action === "write" || action === "delete") && path.includes(HOLE);
  if (!inquiry.uses.some(changes)) return [];
  const sources = inquiry.uses
    .filter(({ part, action, redirect }) => part === finder.id && action === "read" && !redirect)
    .map((use) => ({ use, below: true }));
  const finds = mayFind(finder.words);
  return [{ part: id, sources, targets: [], takes: true, slash: false, exact: false, finds }];
}

function carrying(inquiry: Inquiry, { id, reading, remote }: Invocation): readonly Carrying[] {
  // `git mv` and `git rm` do what their names say.
  const name = (reading.path[0] === "git" ? reading.path[1] : reading.path[0]) ?? "";
  if (remote || !(REMOVES.has(name) || PUTS.has(name))) return [];
  const uses = inquiry.uses.filter(({ part, redirect }) => part === id && !redirect);
  const takes = REMOVES.has(name);
  const sources = uses
    .filter(({ action }) => action === (takes ? "delete" : "read"))
    .map((use) => ({ use, below: name === "mv" || name === "rsync" || use.recursive }));
  const targets = PUTS.has(name) ? uses.filter(({ action }) => action === "write") : [];
  const exact = reading.options.has("--no-target-directory");
  return [{ part: id, sources, targets, takes, slash: name === "rsync", exact }];
}

/** The need to know what lies below a source; undefined where that is of no interest or cannot be asked. */
export function needBelow(use: PathUse, home: string): Extract<Need, { readonly kind: "below" }> | undefined {
  const path = use.glob ?? use.path;
  if (path.includes(HOLE) || (!use.known && use.glob === undefined)) return undefined;
  if (use.glob === undefined && isWhole(path, home)) return undefined;
  if (use.action === "delete" && segmentsOf(normalise(path)).some((segment) => PLAIN.has(segment)))
    return undefined;
  return { kind: "below", path, glob: use.glob !== undefined };
}

/** The home directory, what is above it and the top of the system are critical as a whole. */
export function isWhole(path: string, home: string): boolean {
  const name = normalise(path);
  return isWithin(home, name) || name.lastIndexOf("/") === 0;
}
