import { join } from "node:path";
import type { World } from "./world.ts";

/** One call and where it is made; the name stands in what a failing test says. */
export interface Line {
  readonly id: string;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly cwd: string;
  readonly mode?: string;
}

/** The calls every fault is tried on: each rests on something that has to be looked up. */
export function linesIn({ home }: World): readonly Line[] {
  const bash = (where: string, command: string, mode?: string): Line => ({
    id: `${where}: ${mode ?? ""} ${command}`,
    tool: "Bash",
    input: { command },
    cwd: join(home, where),
    ...(mode === undefined ? {} : { mode }),
  });
  const file = (where: string, tool: string, path: string, mode?: string): Line => ({
    id: `${where}: ${mode ?? ""} ${tool} ${path}`,
    tool,
    input:
      tool === "Read"
        ? { file_path: path }
        : tool === "Edit"
          ? { file_path: path, old_string: "a", new_string: "b" }
          : tool === "Write"
            ? { file_path: path, content: "x" }
            : { pattern: "x", path },
    cwd: join(home, where),
    ...(mode === undefined ? {} : { mode }),
  });
  const bypass = "bypassPermissions";
  return [
    // Deny rules, by name and through links.
    file("app", "Read", "private/a.txt"),
    file("app", "Read", "plain/a.txt"),
    file("app", "Read", "twice"),
    file("app", "Read", "twice", bypass),
    file("app", "Read", "keylink"),
    file("app", "Read", "loop"),
    file("app", "Write", "open.ts", "acceptEdits"),
    file("app", "Grep", "plain"),
    bash("app", "cat plain/a.txt"),
    bash("app", "cat pl*/a.txt"),
    bash("app", "cat */a.txt"),
    bash("app", "cat key*"),
    bash("app", "grep -r text ."),
    bash("app", "grep -r text plain"),
    // Links out of the project, and inside it.
    file("app", "Read", "out/a.txt"),
    file("app", "Read", "in/app.ts"),
    file("app", "Write", "out/b.txt", "acceptEdits"),
    file("app", "Write", "src/new.ts", "acceptEdits"),
    file("app", "Write", "in/new.ts", "acceptEdits"),
    bash("app", "touch out/b.txt", "acceptEdits"),
    bash("app", "rm -rf in/app.ts", "acceptEdits"),
    bash("app", "cp README.md out", "acceptEdits"),
    bash("app", "cat out/a.txt", bypass),
    // Secrets, protected files, the guard.
    file("app", "Read", "a.key"),
    bash("app", "cat *.key", bypass),
    file("app", "Write", ".git/config", "acceptEdits"),
    file("app", "Write", ".cordon/settings.json", bypass),
    bash("app", "rm -rf ../.config", bypass),
    bash("app", "cp -r kit/. .", "acceptEdits"),
    bash("app", "mv kit/.claude .", bypass),
    bash("app", "cp -r kit other", bypass),
    bash("app", "mv kit/* .", bypass),
    bash("mine", "mv kit other", "acceptEdits"),
    bash("mine", "cp -r src other", "acceptEdits"),
    // Branches.
    bash("app", "git push --force", bypass),
    bash("app", "git push -f origin", bypass),
    bash("mine", "git push --force", bypass),
    bash("tree", "git push --force", bypass),
    bash("app/src", "git push --force", bypass),
    // Rules of every scope.
    bash("app", "make all"),
    bash("app", "npm publish x", bypass),
    bash("app", "terraform plan", bypass),
    bash("app", "rsync a b", bypass),
    bash("app", "nc x 1", bypass),
    bash("app", "dd if=a", bypass),
    bash("app", "git tag v1", bypass),
    bash("app", "docker ps", bypass),
    bash("app", "mysql x", bypass),
    bash("app", "frobnicate", bypass),
    bash("app/src", "docker ps", bypass),
    file("app", "Read", "vault/a.txt"),
    // What counts only when it is trusted.
    bash("app", "cargo build"),
    bash("mine", "cargo build"),
    bash("tree", "cargo build"),
    bash("app", "pytest x"),
    bash("mine", "pytest x"),
    bash("mine", "psql x", bypass),
    bash("mine", "frobnicate", bypass),
    // Directories.
    file("app", "Read", join(home, "shared/a.txt")),
    file("app", "Read", join(home, "notes/a.txt")),
    file("app", "Read", join(home, "elsewhere/a.txt")),
    file("app", "Edit", "gen/a.ts"),
    file("app", "Edit", "docs/a.md", bypass),
    bash("app", "ls"),
  ];
}

const RANK: Readonly<Record<string, number>> = { allow: 0, ask: 1, deny: 2 };

/** How strict each call was answered; one that was not answered did not run. */
export function verdictsIn(lines: readonly Line[], out: string): ReadonlyMap<string, number> {
  const answers = new Map<string, number>();
  for (const text of out.split("\n")) {
    if (text === "") continue;
    try {
      const value: { readonly id?: string; readonly decision?: string } = JSON.parse(text);
      const rank = RANK[value.decision ?? ""];
      if (value.id !== undefined && rank !== undefined) answers.set(value.id, rank);
    } catch {
      // Half a line is no answer.
    }
  }
  return new Map(lines.map(({ id }) => [id, answers.get(id) ?? 3]));
}
