import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readRuleText } from "../../core/settings/rule-entry.ts";
import type { RuleEffect } from "../../core/settings/rule.ts";
import { makeDirectory, replaceFile } from "./atomic.ts";
import { withRule } from "./edit.ts";
import { SettingsFileError } from "./error.ts";
import { withLock } from "./lock.ts";
import { readWhole, utf8 } from "./read-file.ts";
import { isWritten, recordWritten } from "./written.ts";

/** A rule to keep, and where. */
export interface SaveRequest {
  /** Absolute. A `settings.local.json` is remembered as written by cordon. */
  readonly file: string;
  readonly effect: RuleEffect;
  readonly rule: string;
  /** cordon's private state directory. */
  readonly state: string;
  /** Whether a file that cordon did not write is trusted as it stands. Without it none is. */
  readonly trusted?: ((file: string, bytes: Uint8Array) => boolean) | undefined;
}

/**
 * Adds a rule to `permissions.<effect>` of a settings file; makes the file where it is missing.
 * True when the file changed, false when the rule stood there already.
 *
 * INVARIANT: comments, order and layout of what stood there stay byte for byte; a file that cannot
 * be read without a fault is not touched; a `settings.local.json` that came with the repository
 * does not become trusted by a rule being added to it.
 *
 * Throws `SettingsFileError`; the file is then as it was.
 */
export function saveRule(request: SaveRequest): boolean {
  const { file, effect, rule, state } = request;
  const fault = readRuleText(rule, effect).faults.find(({ severity }) => severity === "error");
  if (fault) throw new SettingsFileError(file, fault.message, fault.hint);
  return withLock(state, file, () => {
    const old = readWhole(file, "refuse");
    if (old.kind === "fault") throw new SettingsFileError(file, old.why, "change it by hand");
    const personal = basename(file) === "settings.local.json";
    if (personal && old.kind === "bytes" && !isTrusted(request, old.bytes)) {
      throw new SettingsFileError(
        file,
        "was not written by cordon, so its rules do not count",
        "look through it and move it away, or trust the workspace",
      );
    }
    const text = old.kind === "absent" ? "{}\n" : utf8(old.bytes);
    if (text === undefined) throw new SettingsFileError(file, "is not written in UTF-8", "change it by hand");
    const edited = withRule(text, effect, rule);
    if (edited.fault !== undefined)
      throw new SettingsFileError(file, `${edited.fault}; nothing was changed`, edited.hint);
    if (!edited.changed) return false;
    const content = Buffer.from(edited.text);
    const write = (): void =>
      replaceFile(file, content, { from: old.kind === "absent" ? "absent" : old.bytes });
    if (personal) remembering(request, old.kind === "absent" ? undefined : old.bytes, content, write);
    else write();
    return true;
  });
}

function isTrusted({ state, file, trusted }: SaveRequest, bytes: Uint8Array): boolean {
  return isWritten(state, file, bytes) || trusted?.(file, bytes) === true;
}

/** Old and new content are both cordon's own until the new one is in place, so that a crash loses neither. */
function remembering(
  { file, state }: SaveRequest,
  before: Uint8Array | undefined,
  after: Uint8Array,
  write: () => void,
): void {
  makeDirectory(file);
  recordWritten(state, file, before ? [before, after] : [after]);
  write();
  try {
    recordWritten(state, file, [after]);
  } catch {
    // The rule stands in the file. What stood there before was cordon's own too, and stays it.
  }
  keepUntracked(file);
}

/**
 * Keeps a person's own file in `.cordon` out of commits, where nobody has decided about that yet:
 * an agent that adds everything would publish it, and make it the repository's.
 */
export function keepUntracked(file: string): void {
  const directory = dirname(file);
  if (basename(directory) !== ".cordon") return;
  try {
    writeFileSync(join(directory, ".gitignore"), `${basename(file)}\n`, { flag: "wx" });
  } catch {
    // There is one already, or it cannot be made: the rule holds all the same.
  }
}
