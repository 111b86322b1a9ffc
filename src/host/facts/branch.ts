import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { BranchFact } from "../../core/call/facts.ts";
import { type FileReading, readWhole, utf8 } from "../settings/read-file.ts";

/**
 * The branch checked out in the repository that contains a directory, read from `.git/HEAD`
 * itself: no git process is started and no configuration of the repository is obeyed.
 */
export function currentBranch(directory: string): BranchFact {
  const head = headFile(directory);
  if (head === undefined) return { kind: "branch", branch: undefined };
  const match = /^ref: refs\/heads\/(\S+)\s*$/.exec(head);
  return { kind: "branch", branch: match?.[1] };
}

function headFile(directory: string): string | undefined {
  for (let here = directory; ; here = dirname(here)) {
    const git = `${here === "/" ? "" : here}/.git`;
    try {
      const stat = statSync(git, { throwIfNoEntry: false });
      if (stat !== undefined) {
        const at = stat.isDirectory() ? git : pointedTo(here, git);
        const head = at === undefined ? undefined : read(join(at, "HEAD"));
        // A `.git` without a head is no repository to git either.
        if (head?.kind !== "absent") return head?.kind === "bytes" ? utf8(head.bytes) : undefined;
      }
    } catch {
      return undefined;
    }
    if (here === "/" || here === ".") return undefined;
  }
}

/** Where the `.git` of a worktree or a submodule leads. */
function pointedTo(directory: string, git: string): string | undefined {
  const reading = read(git);
  const text = reading.kind === "bytes" ? utf8(reading.bytes) : undefined;
  const target = /^gitdir: (.+?)\s*$/.exec(text ?? "")?.[1];
  return target === undefined ? undefined : resolve(directory, target);
}

/** Never waits on a pipe, and knows when a file ends before its end. */
function read(file: string): FileReading {
  return readWhole(file, "follow");
}
