import { type Word, literalWord } from "../../call/word.ts";
import { type Draft, raise } from "../draft.ts";

/** Settings of git that name a program it runs, or where it finds one (git-config(1)). */
const NAMES_PROGRAM =
  /^(?:alias\.|core\.(?:fsmonitor|hookspath|sshcommand|pager|editor|askpass|gitproxy|attributesfile|worktree|alternaterefscommand)|filter\.|diff\..*(?:external|command|textconv)|diff\.external|merge\..*driver|credential\.|gpg\.|sequence\.editor|init\.templatedir|include|url\.|uploadpack\.|receive\.|protocol\.|pager\.|interactive\.diffFilter|difftool\.|mergetool\.|submodule\..*update|man\.|browser\.|web\.|http\.proxy|trailer\.|sendemail\.|remote\..*\.(?:uploadpack|receivepack|proxy|vcs))/i;

/** Of these the value is a path or an address, not a command line. */
const NO_COMMAND =
  /^(?:core\.(?:hookspath|attributesfile|worktree)|init\.templatedir|include|url\.|protocol\.|http\.)/i;

/** The setting names something git runs later. */
export function namesProgram(key: string): boolean {
  return NAMES_PROGRAM.test(key);
}

/**
 * `git -c KEY=VALUE`: a setting that names a program is only covered by a rule that spells `-c`,
 * and what it names is gone into.
 */
export function readGitSetting(draft: Draft, word: Word, written: string): void {
  const cut = word.text.indexOf("=");
  const key = cut === -1 ? word.text : word.text.slice(0, cut);
  const known = /^[\w.*/:@-]+$/.test(key);
  if (known && !NAMES_PROGRAM.test(key)) return;
  draft.reaching.push(written);
  raise(draft, "runs-code", "configuration can name programs that git runs");
  const value = cut === -1 ? "" : word.text.slice(cut + 1);
  if (value === "" || NO_COMMAND.test(key)) return;
  const alias = /^alias\./i.test(key) && !value.startsWith("!");
  const text = alias ? `git ${value}` : value.replace(/^!/, "");
  draft.inner.push({
    kind: "shell",
    word: { ...literalWord(text, word.span), raw: word.raw, unknown: word.unknown },
    bases: [...draft.bases],
  });
}
