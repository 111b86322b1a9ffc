import type { Opinion } from "../../call/opinion.ts";
import { absolute, segmentsOf } from "../../call/path.ts";
import { HOLE } from "../../call/word.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import type { PathMeaning } from "../../inquiry/path-classes.ts";

/**
 * What `$X/.ssh/id_rsa` means if the directory that is not known is the home directory: no reason to
 * deny, as it may be any other, but one to ask. Only names that say enough count: a directory of
 * keys, a file in a directory of its own, not `$X/.npmrc`.
 */
export function behindUnknown({ context, call }: Inquiry, name: string): readonly PathMeaning[] {
  const segments = segmentsOf(name);
  const hole = segments.findLastIndex((segment) => segment.includes(HOLE));
  const tail = segments.slice(hole + 1).join("/");
  if (segments[hole] !== HOLE || tail === "") return [];
  return context.paths.of(absolute(call.home, tail), call.home).flatMap((meaning): readonly PathMeaning[] => {
    if (!/^~\/.*\//.test(meaning.pattern)) return [];
    if (meaning.class === "credential") return [{ ...meaning, class: "secret" }];
    return meaning.class === "guard" || meaning.class === "agentConfig"
      ? [{ ...meaning, class: "agentConfig" }]
      : [];
  });
}

/** What counts where it is a guess, or only part of a path is known: no scope, but what names mean. */
export function isMeaning({ code }: Opinion): boolean {
  return (
    code === "path.guard" ||
    code === "path.credential" ||
    code === "path.secret" ||
    code === "path.agent-config"
  );
}
