import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { BranchFact } from "../../core/call/facts.ts";

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
      const stat = statSync(git);
      if (stat.isDirectory()) return readFileSync(`${git}/HEAD`, "utf8");
      const target = /^gitdir: (.+?)\s*$/.exec(readFileSync(git, "utf8"))?.[1];
      return target === undefined ? undefined : readFileSync(`${resolve(here, target)}/HEAD`, "utf8");
    } catch (error) {
      if (
        !(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      )
        return undefined;
    }
    if (here === "/" || here === ".") return undefined;
  }
}
