import { escapeGlob } from "../call/glob.ts";
import { absolute, expandHome, normalise, parentOf } from "../call/path.ts";
import type { Hook } from "./hooks.ts";
import { all } from "./pick.ts";
import type { SettingsReading } from "./reading.ts";
import type { Place } from "./source.ts";

/** Names that are surely files with a program in them. */
const SCRIPT = /\.(?:sh|bash|zsh|py|rb|pl|php|js|mjs|cjs|ts|mts|cts)$/;

/** Paths of the programs that print managed settings: whoever changes one sets the policy. */
export function helperFiles(readings: readonly SettingsReading[]): readonly string[] {
  const paths = all(readings, "policyHelper").flatMap(({ found }) =>
    found.faulty ? [] : [found.value.path],
  );
  return [...new Set(paths.map(normalise))];
}

/**
 * The directory a hook's file belongs to: for one of a project's files the directory that holds its
 * `.claude` or `.cordon`, which may be the top of the checkout around `root`; else `root`, the root
 * of the project in use.
 */
export function projectOfHook({ origin: { scope, file } }: Pick<Hook, "origin">, root: string): string {
  if (file === undefined || (scope !== "project" && scope !== "local")) return root;
  return parentOf(parentOf(file));
}

/**
 * Patterns of the files that hooks run, as far as their settings show: an agent that could change
 * them would be its own guard. Programs named by a path, and scripts among the words of a command;
 * a file that is named with a blank, a variable or a substitution is not found.
 */
export function hookFiles(hooks: readonly Hook[], place: Place): readonly string[] {
  const files = hooks.flatMap((hook): readonly string[] => {
    const { action } = hook;
    const root = projectOfHook(hook, place.root);
    if (action.kind === "module") return [action.path];
    if (action.kind !== "command") return [];
    const words =
      action.args === undefined
        ? action.command
            .replace(/["']/g, "")
            .split(/[\s;|&()<>`]+/)
            .filter((word) => word !== "")
        : [action.command, ...action.args];
    return words
      .map((word) => word.replace(/\$(?:CLAUDE_PROJECT_DIR\b|\{CLAUDE_PROJECT_DIR\})/g, () => root))
      .map((word) => word.replace(/^\$(?:HOME\b|\{HOME\})/, () => place.home))
      .filter((word, at) => !/[$\0]/.test(word) && (SCRIPT.test(word) || (at === 0 && word.includes("/"))))
      .map((word) => normalise(absolute(root, expandHome(word, place.home))));
  });
  return [...new Set(files)].map(escapeGlob);
}
