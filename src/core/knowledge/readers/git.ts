import type { Word } from "../../call/word.ts";
import { literalWord } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";
import { namesProgram, readGitSetting } from "../languages/git-setting.ts";
import { gitPaths } from "../take.ts";

/** `git checkout` and `git restore`: with paths they overwrite work that was never committed. */
export function readGitCheckout(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "file-modifying");
  const restore = draft.path.at(-1) === "restore";
  if (restore && draft.options.has("--staged") && !draft.options.has("--worktree")) return;
  const makes = ["-b", "-B", "--orphan", "--detach", "--track"].some((name) => draft.options.has(name));
  const dashes = draft.canonical.includes("--");
  const [first] = operands;
  const looksLikePath =
    first !== undefined && (/^(?:\.{1,2}(?:\/|$)|:)/.test(first.text) || first.text.endsWith("/"));
  const fromFile = draft.options.has("--pathspec-from-file");
  if (
    restore ||
    fromFile ||
    looksLikePath ||
    (dashes && operands.length > 0) ||
    (!makes && operands.length > 1)
  ) {
    for (const word of restore || dashes ? operands : operands.slice(looksLikePath ? 0 : 1)) {
      for (const named of gitPaths(word))
        draft.effects.push({ action: "write", word: named, bases: [...draft.bases], recursive: false });
    }
    draft.dangers.push({
      code: "cmd.destructive",
      why: "overwrites changes that were never committed",
      instead: "look at `git diff` and keep the work with `git stash` first",
      span: first?.span,
    });
  }
}

const CONFIG_READS: readonly string[] = [
  "--get",
  "--get-all",
  "--get-regexp",
  "--get-urlmatch",
  "--get-color",
  "--get-colorbool",
  "--list",
];
const CONFIG_WRITES: readonly string[] = [
  "--add",
  "--replace-all",
  "--unset",
  "--unset-all",
  "--rename-section",
  "--remove-section",
  "--edit",
];
const CONFIG_VERBS: readonly string[] = ["set", "unset", "rename-section", "remove-section", "edit"];

/** `git config`: one name reads, a value writes (git 2.39 and the verbs of 2.46). */
export function readGitConfig(draft: Draft, operands: readonly Word[]): void {
  const [first] = operands;
  const writes =
    CONFIG_WRITES.some((name) => draft.options.has(name)) || CONFIG_VERBS.includes(first?.text ?? "");
  const verb = first?.text === "get" || first?.text === "list";
  const everything =
    first?.text === "list" ||
    draft.options.has("--list") ||
    ["--all", "--regexp", "--get-regexp"].some((name) => draft.options.has(name));
  if (everything)
    doubt(draft, "cmd.prints-secrets", "prints the configuration, which may hold secrets", first);
  const reads = verb || CONFIG_READS.some((name) => draft.options.has(name)) || operands.length <= 1;
  if (!writes && reads) return raise(draft, "read-only");
  raise(draft, "file-modifying", "changes what git does and runs");
  const named = CONFIG_VERBS.includes(first?.text ?? "") ? operands.slice(1) : operands;
  const [setting, value] = named;
  if (setting !== undefined && value !== undefined)
    readGitSetting(draft, { ...value, text: `${setting.text}=${value.text}`, glob: undefined }, "config");
  const file = draft.options.get("--file")?.[0];
  const span = first?.span ?? { start: 0, end: 0 };
  const system = draft.options.has("--system");
  const target =
    file ??
    literalWord(
      draft.options.has("--global") ? "~/.gitconfig" : system ? "/etc/gitconfig" : ".git/config",
      span,
    );
  draft.effects.push({ action: "write", word: target, bases: [...draft.bases], recursive: false });
  const key = CONFIG_VERBS.includes(first?.text ?? "") ? operands[1] : first;
  if (key !== undefined && namesProgram(key.text)) {
    doubt(draft, "cmd.runs-code", `\`${key.text}\` names something git runs later`, key);
  }
}

/** `git push`: `+ref` is a forced push, `:ref` a deletion (git-push(1), REFSPECS). */
export function readGitPush(draft: Draft, operands: readonly Word[]): void {
  raise(draft, "network");
  const [, ...refs] = operands;
  for (const { text } of refs) {
    if (text.startsWith("+")) draft.implies.push("--force");
    else if (text.startsWith(":") && text.length > 1) draft.implies.push("--delete");
  }
}
