import type { Word } from "../../call/word.ts";
import { type Draft, doubt, raise } from "../draft.ts";
import { take } from "../take.ts";

/** `tar`: what the archive and the operands are depends on the mode letter (GNU tar 1.34). */
export function readTar(draft: Draft, operands: readonly Word[]): void {
  const archives = draft.options.get("--file") ?? [];
  const has = (...names: readonly string[]): boolean => names.some((name) => draft.options.has(name));
  const archive = (kind: "read" | "write"): void => {
    for (const word of archives) {
      if (word === undefined || word.text === "-") continue;
      if (/^[^/]*:/.test(word.text) && !has("--force-local")) {
        raise(draft, "network", "fetches or sends the archive over the network");
        draft.urls.push(word);
      } else take(draft, kind, word);
    }
  };
  if (has("--list", "--diff")) {
    raise(draft, "read-only");
    return archive("read");
  }
  if (has("--extract")) {
    raise(draft, "file-modifying", "unpacks files");
    archive("read");
    if (has("--to-stdout")) return;
    const target = draft.bases.at(-1);
    if (target !== undefined)
      draft.effects.push({ action: "write", word: target, bases: draft.bases.slice(0, -1), recursive: true });
    return;
  }
  if (has("--create", "--append", "--update", "--concatenate", "--delete")) {
    raise(draft, "file-modifying", "writes an archive");
    archive("write");
    draft.recursive = true;
    for (const word of operands) take(draft, "read", word);
    return;
  }
  doubt(draft, "cmd.option-unlisted", "tar without a mode that is known here");
}
