import { absolute, normalise, parentOf } from "../../call/path.ts";

/** One setting of a git configuration file; section and key in lower case, subsection as written. */
export interface GitSetting {
  readonly section: string;
  readonly subsection?: string | undefined;
  readonly key: string;
  readonly value: string;
}

/**
 * Reads a git configuration file; undefined when any line is not understood.
 *
 * Stricter than git: a value that is continued on the next line is not understood.
 */
export function readGitConfig(text: string): readonly GitSetting[] | undefined {
  const settings: GitSetting[] = [];
  let section: string | undefined;
  let subsection: string | undefined;
  for (const raw of text.split(/\r?\n/)) {
    let line = raw.trim();
    const head = /^\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*/.exec(line);
    if (head !== null) {
      section = (head[1] ?? "").toLowerCase();
      subsection = head[2]?.replace(/\\(.)/g, "$1");
      line = line.slice(head[0].length);
    }
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const entry = /^([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*([\s\S]*))?$/.exec(line);
    if (section === undefined || entry === null) return undefined;
    const value = readValue(entry[2] ?? "true");
    if (value === undefined) return undefined;
    settings.push({ section, subsection, key: (entry[1] ?? "").toLowerCase(), value });
  }
  return settings;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b", '"': '"', "\\": "\\" };

function readValue(text: string): string | undefined {
  let value = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"') quoted = !quoted;
    else if (char === "\\") {
      const plain = ESCAPES[text.charAt(++at)];
      if (plain === undefined) return undefined;
      value += plain;
    } else if (!quoted && (char === "#" || char === ";")) break;
    else value += char;
  }
  return quoted ? undefined : value.trim();
}

/** Settings that name no program, no file to load and no other place to look, per section. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  core: [
    "repositoryformatversion",
    "filemode",
    "bare",
    "logallrefupdates",
    "ignorecase",
    "precomposeunicode",
    "symlinks",
    "autocrlf",
    "eol",
    "safecrlf",
    "sparsecheckout",
    "sparsecheckoutcone",
  ],
  extensions: ["objectformat", "worktreeconfig", "refstorage"],
  init: ["defaultbranch"],
  user: ["name", "email"],
  branch: ["remote", "merge", "rebase", "autosetupmerge", "autosetuprebase"],
  remote: ["url", "pushurl", "fetch", "tagopt", "prune"],
  submodule: ["active", "url"],
  pull: ["rebase", "ff"],
  push: ["default", "autosetupremote"],
  commit: ["gpgsign"],
  tag: ["gpgsign"],
  gc: ["auto", "autodetach"],
  advice: [],
  color: ["ui"],
};

/**
 * True when a configuration file can make git run nothing: every line is understood and every
 * setting is on the list of harmless ones.
 *
 * `gitDir` is the directory the file lies in; a `core.worktree` may only stay within `roots`.
 */
export function isHarmlessGitConfig(text: string, gitDir: string, roots: readonly string[]): boolean {
  const settings = readGitConfig(text);
  return (
    settings !== undefined &&
    settings.every(({ section, key, value }) => {
      if (section === "core" && key === "worktree") {
        const tree = normalise(absolute(gitDir, value));
        return roots.some((root) => tree === root || tree.startsWith(`${root}/`));
      }
      if (key === "url" || key === "pushurl") {
        return (HARMLESS[section] ?? []).includes(key) && !value.startsWith("-") && !value.includes("::");
      }
      return (HARMLESS[section] ?? []).includes(key);
    })
  );
}

/**
 * Paths a repository's configuration makes git run or load: `core.hooksPath`, include files.
 * Absolute; `~` is left out, since home is not writable through this list. Best effort: lines that
 * are not understood are passed over.
 */
export function gitConfigPaths(
  text: string,
  gitDir: string,
  workTree: string,
): readonly { readonly name: string; readonly path: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const entry = /^\s*(?:\[[^\]]*\]\s*)?(hookspath|path)\s*=\s*(.*)$/i.exec(line);
    const value = entry === null ? undefined : readValue(entry[2] ?? "");
    if (value === undefined || value === "" || value.startsWith("~")) return [];
    const hooks = entry?.[1]?.toLowerCase() === "hookspath";
    const path = normalise(absolute(hooks ? workTree : gitDir, value));
    return [{ name: hooks ? "core.hooksPath" : "include.path", path }];
  });
}

/** The working tree that `gitDir`'s configuration names, lexically; undefined when it names none. */
export function configuredWorkTree(text: string, gitDir: string): string | undefined {
  const setting = readGitConfig(text)?.find(({ section, key }) => section === "core" && key === "worktree");
  return setting === undefined ? undefined : normalise(absolute(gitDir, setting.value));
}

/** What a `.git` file or a commondir file names, lexically; undefined when it is neither. */
export function gitPointer(text: string, from: string, kind: "gitdir" | "commondir"): string | undefined {
  const match = kind === "gitdir" ? /^gitdir: ([^\n]+)\n*$/.exec(text) : /^([^\n]+)\n*$/.exec(text);
  const value = match?.[1];
  return value === undefined ? undefined : normalise(absolute(parentOf(from), value));
}
