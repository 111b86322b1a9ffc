import type { Facts } from "../../call/facts.ts";
import { compileGlob, matchGlob } from "../../call/glob.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import { baseOf, isWithin, parentOf, segmentsOf } from "../../call/path.ts";
import { HOLE } from "../../call/word.ts";
import type { Inquiry, PathUse } from "../../inquiry/inquiry.ts";
import { type Located, aboutUse } from "../../inquiry/locate.ts";
import type { PathMeaning } from "../../inquiry/path-classes.ts";
import { behindUnknown } from "./hidden.ts";

/** What the meaning of a path (a guard, a credential store, a protected file ...) says to this use. */
export function meaningOpinions(
  inquiry: Inquiry,
  use: PathUse,
  located: Located,
  facts: Facts,
): readonly Opinion[] {
  const { paths } = inquiry.context;
  const { home } = inquiry.call;
  const changes = use.action === "write" || use.action === "delete";
  const meanings = located.names.flatMap((name) => paths.of(name, home));
  if (use.glob !== undefined && (!located.certain || located.type === "absent"))
    meanings.push(...possible(inquiry, use));
  if (!located.certain && located.name.includes(HOLE)) meanings.push(...behindUnknown(inquiry, located.name));
  const opinions: Opinion[] = [];
  const seen = new Set<string>();
  for (const meaning of meanings) {
    if (seen.has(meaning.class)) continue;
    const opinion = judge(inquiry, use, located, meaning, changes, facts);
    if (opinion === undefined) continue;
    seen.add(meaning.class);
    opinions.push(opinion);
  }
  return changes ? [...opinions, ...carried(inquiry, use, located)] : opinions;
}

/**
 * A directory that is moved, removed or put in the place of another takes along what lies below it:
 * `mv .config old` moves cordon's settings away, `mv evil .config` brings others.
 */
function carried(inquiry: Inquiry, use: PathUse, located: Located): readonly Opinion[] {
  const { call, context } = inquiry;
  // The file tools change files only, and a copy into the project itself adds to it.
  if (inquiry.class !== "shell" || (use.action === "write" && located.real === call.root)) return [];
  const meaning = located.names
    // The home directory, what is above it and the top of the system are critical as a whole.
    .filter((name) => !isWithin(call.home, name) && name.lastIndexOf("/") > 0)
    .flatMap((name) => context.paths.above(name, call.home))
    .find(
      ({ class: kind }) =>
        kind === "guard" || kind === "credential" || kind === "agentConfig" || kind === "protected",
    );
  if (meaning === undefined) return [];
  const about = aboutUse(use, located.name);
  const place = { layer: "scope", part: use.part, subject: use.path, about, span: use.span } as const;
  const why = `\`${use.shown}\` holds \`${meaning.pattern}\`: ${meaning.why}`;
  if (use.action === "delete" && (meaning.class === "guard" || meaning.class === "credential"))
    return [{ ...place, effect: "deny", code: `path.${meaning.class}`, why }];
  return meaning.class === "protected"
    ? [{ ...place, effect: "ask", kind: "path.protected", code: "path.protected", why }]
    : [{ ...place, effect: "ask", kind: "agent-config", code: "path.agent-config", why }];
}

/** Meanings a pattern could have although nothing matches it now: `cat .e*` where there is no `.env` yet. */
function possible(inquiry: Inquiry, use: PathUse): readonly PathMeaning[] {
  const glob = use.glob ?? "";
  const name = baseOf(glob);
  if (!/^\.|[^*?[\]]{2}/.test(name)) return [];
  const pattern = compileGlob(name);
  return [".env", ".env.local", "id_rsa", "id_ed25519", ".netrc", ".git-credentials"]
    .filter((secret) => matchGlob(pattern, secret) && (name.startsWith(".") || !secret.startsWith(".")))
    .flatMap((secret) => inquiry.context.paths.of(`${parentOf(glob)}/${secret}`, inquiry.call.home));
}

function judge(
  inquiry: Inquiry,
  use: PathUse,
  located: Located,
  meaning: PathMeaning,
  changes: boolean,
  facts: Facts,
): Opinion | undefined {
  const about = aboutUse(use, located.name);
  const place = { layer: "scope", part: use.part, subject: use.path, about, span: use.span } as const;
  const link = located.name !== located.real && !use.shown.includes(baseOf(located.real));
  const what = link ? `\`${use.shown}\`, which leads to \`${located.real}\`,` : `\`${use.shown}\``;
  switch (meaning.class) {
    case "guard":
      return {
        ...place,
        effect: "deny",
        code: "path.guard",
        why: `${what} is ${meaning.why}, which no agent may touch`,
      };
    case "credential":
      if (isNamed(inquiry, located, meaning, changes)) return undefined;
      return {
        ...place,
        effect: "deny",
        code: "path.credential",
        why: `${what} holds ${meaning.why}; only a user or managed rule that names it opens it`,
      };
    case "agentConfig":
      if (!changes) return undefined;
      return {
        ...place,
        effect: "ask",
        kind: "agent-config",
        code: "path.agent-config",
        why: `${what} says ${meaning.why}`,
      };
    case "protected":
      if (!changes) return undefined;
      return {
        ...place,
        effect: "ask",
        kind: "path.protected",
        code: "path.protected",
        why: `${what} is protected: ${meaning.why}`,
      };
    case "secret":
      return {
        ...place,
        effect: "ask",
        kind: "path.secret",
        code: "path.secret",
        why: `${what} may hold ${meaning.why}`,
      };
    case "runsLater":
      if (!changes || inquiry.mode !== "acceptEdits" || !runsLater(inquiry, located, facts)) return undefined;
      return {
        ...place,
        effect: "ask",
        kind: "path.runs-later",
        code: "path.runs-later",
        why: `${what} ${meaning.why}`,
      };
    case "device":
      if (/^\/dev\/(?:tcp|udp)\//.test(located.name)) {
        return {
          ...place,
          effect: "ask",
          kind: "network",
          code: "net.host",
          why: `${what} opens a network connection`,
        };
      }
      return changes
        ? { ...place, effect: "ask", kind: "critical", code: "path.device", why: `${what} is ${meaning.why}` }
        : undefined;
  }
}

/** Directories that hold stores beside much else. */
const GENERAL: ReadonlySet<string> = new Set(
  "~ .config .local share state Library etc var home".split(" ").concat("Application Support"),
);

/** A user or managed rule whose pattern names the path opens a credential store. */
function isNamed(inquiry: Inquiry, located: Located, meaning: PathMeaning, changes: boolean): boolean {
  // `~/**` covers every store and names none.
  const telling = segmentsOf(meaning.pattern).filter((word) => !GENERAL.has(word) && !/[*?[]/.test(word));
  const words = new Set([...telling, ...located.names.map(baseOf)]);
  const near = inquiry.context.rules.paths(located.names.flatMap(segmentsOf));
  return [...near].some((candidate) => {
    const { rule, family, bare } = candidate;
    if (rule.effect !== "allow" || bare) return false;
    if (rule.scope !== "user" && rule.scope !== "managed") return false;
    if (rule.specifier.kind !== "path" || !segmentsOf(rule.specifier.pattern).some((word) => words.has(word)))
      return false;
    if (changes && family !== "Edit") return false;
    return located.names.every((name) => candidate.globs.some((glob) => matchGlob(glob, name)));
  });
}

/** package.json runs later only where its scripts change; every other file of the class always. */
function runsLater(inquiry: Inquiry, located: Located, facts: Facts): boolean {
  if (baseOf(located.real) !== "package.json" || inquiry.class !== "edit") return true;
  const fact = facts.texts.get(`text:${located.name}`);
  const { input } = inquiry.call;
  const before = fact?.exists === false ? "{}" : fact?.text;
  const content = stringAt(input, "content");
  const old = stringAt(input, "old_string");
  const next = stringAt(input, "new_string");
  const after =
    content ??
    (before !== undefined && old !== undefined && next !== undefined
      ? before.split(old).join(next)
      : undefined);
  if (before === undefined || after === undefined) return true;
  const scripts = scriptsOf(before);
  return scripts === undefined || scripts !== scriptsOf(after);
}

/** The parts of a package.json that run, as one text; undefined where it cannot be read. */
function scriptsOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const fields = new Map(Object.entries(value));
    return JSON.stringify(
      ["scripts", "bin", "main", "exports", "husky", "lint-staged", "pre-commit", "config"].map((key) =>
        fields.get(key),
      ),
    );
  } catch {
    return undefined;
  }
}
