import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, type Outcome, type Scene, type Stage, WHO, inventory, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** What a hook, a filter or a configuration would do: leave a mark that the test looks for. */
const mark = (scene: Scene): string => join(scene.outside, "RAN");
/** Ordinary work of a person afterwards, outside. */
const WORK =
  "echo $RANDOM > worked; git add worked; git commit -qm work; git status -s; git log --oneline -1; git checkout -q -b b$RANDOM";

describe.each(WHO)("planting, as %s", (who) => {
  let actor: Actor;
  beforeAll(() => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    actor = found;
  });

  const moved = ({ violations }: Outcome, ws: string): readonly string[] =>
    violations.map(({ path }) => path.slice(ws.length + 1)).toSorted();

  it("of repositories made by the command: hooks and settings that run something go, the rest works", async () => {
    const scene = actor.scene();
    const { run, ws, outsideRun } = scene;
    const m = mark(scene);
    const result = await run(`
git init -q sub && cd sub && printf '#!/bin/sh\\ntouch ${m}\\n' > .git/hooks/post-commit && chmod +x .git/hooks/post-commit
git config core.fsmonitor 'touch ${m};'; cd ..
git init -q deep/er/repo; git clone -q . clone
git init -q --bare bare.git; git -C bare.git config core.fsmonitor 'touch ${m};'
mkdir plain && cd plain && cp -r ../bare.git/{HEAD,objects,refs} . && printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tworktree = .\\n\\tfsmonitor = touch ${m};\\n' > config; cd ..
echo 'gitdir: node_modules/g' > deep/.git; git init -q node_modules/g --bare
`);
    expect(result.stderr).toBe("");
    expect(moved(result, ws)).toEqual([
      "bare.git/config",
      "deep/.git",
      "plain/config",
      "sub/.git/config",
      "sub/.git/hooks/post-commit",
    ]);
    outsideRun(
      `cd ${ws}; for d in sub deep/er/repo clone; do (cd $d; echo x > f; git add f; git commit -qm x; git status -s); done; for d in bare.git plain; do git -C $d status -s >/dev/null 2>&1 || true; done`,
    );
    expect(existsSync(m)).toBe(false);
    expect(readFileSync(join(ws, "clone/.git/config"), "utf8")).toContain("remote");
  });

  it("of a submodule and of other worktrees", async () => {
    const scene = actor.scene();
    const { run, ws, outside, outsideRun } = scene;
    const m = mark(scene);
    outsideRun(
      `cd ${outside}; git init -q lib; cd lib; git commit -q --allow-empty -m l; cd ${ws}; git -c protocol.file.allow=always submodule --quiet add ${outside}/lib lib; git commit -qm sub; git worktree add -q ../outside/wt; mkdir wts; git worktree add -q wts/in`,
    );
    const result = await run(`
printf '#!/bin/sh\\ntouch ${m}\\n' > .git/modules/lib/hooks/pre-commit; chmod +x .git/modules/lib/hooks/pre-commit
echo "[core] fsmonitor = touch ${m};" >> .git/modules/lib/config
cp -r .git g2; echo "[core] fsmonitor = touch ${m};" >> g2/config
echo ../../../g2 > .git/worktrees/wt/commondir; echo "gitdir: ../g2" > lib/.git; echo "gitdir: ../../g2" > wts/in/.git
mkdir -p .git/worktrees/new; cp .git/HEAD .git/worktrees/new/; echo ../../../g2 > .git/worktrees/new/commondir
cd lib && echo x > f && git add f && git commit -qm inside`);
    expect(result.stderr).toContain("Read-only file system");
    outsideRun(
      `cd ${outside}/wt && git status -s; cd ${ws}/lib && echo y > g && git add g && git commit -qm o && git status -s; cd ${ws}/wts/in && git status -s`,
    );
    expect(existsSync(m)).toBe(false);
    expect(
      result.violations.map(({ path, kind, restored }) => [path.slice(ws.length + 1), kind, restored]),
    ).toEqual([
      [".git/worktrees/new/commondir", "planted", false],
      [".git/worktrees/wt/commondir", "changed", true],
      ["g2/config", "planted", false],
      ["lib/.git", "changed", true],
      ["wts/in/.git", "changed", true],
    ]);
  });

  it("of hooks in a directory that the configuration names", async () => {
    const scene = actor.scene();
    const { run, ws, outsideRun } = scene;
    outsideRun(
      `cd ${ws}; mkdir hooks; printf '#!/bin/sh\\ntrue\\n' > hooks/pre-commit; chmod +x hooks/pre-commit; git config core.hooksPath hooks`,
    );
    const result = await run(
      `printf '#!/bin/sh\\ntouch ${mark(scene)}\\n' > hooks/pre-commit; printf '#!/bin/sh\\ntouch ${mark(scene)}\\n' > hooks/post-commit; chmod +x hooks/*; mv hooks h2`,
    );
    expect(result.violations).toEqual([]);
    expect(readdirSync(join(ws, "hooks"))).toEqual(["pre-commit"]);
    outsideRun(`cd ${ws}; ${WORK}`);
    expect(existsSync(mark(scene))).toBe(false);
  });

  it("of names that programs obey: moved away whole, look-alikes stay", async () => {
    const { run, ws, state } = actor.scene();
    const result = await run(`
echo '{}' > .mcp.json; mkdir -p .vscode .claude/hooks .cordon sub/dir/.idea sub/.claude/commands; echo evil > .vscode/tasks.json
echo x > .claude/settings.json; echo x > .cordon/settings.json; echo x > sub/dir/.idea/w.xml; echo x > sub/.claude/commands/c.md; echo x > sub/.envrc
ln -s /etc/hostname .bashrc; ln -s nowhere .npmrc; echo x > .pre-commit-config.yaml; mkdir -p .github/hooks; echo x > .github/hooks/h.json
mkfifo .zshrc; mkdir -p closed/in; echo x > closed/in/.mcp.json; chmod 000 closed/in; chmod 100 closed
mkdir .vscode-test .claude-notes; echo fine | tee .vscode-test/a .claude-notes/a my.mcp.json .mcp.json.example package.json Makefile .env > /dev/null`);
    expect(moved(result, ws)).toEqual([
      ".bashrc",
      ".claude",
      ".cordon",
      ".github/hooks",
      ".mcp.json",
      ".npmrc",
      ".pre-commit-config.yaml",
      ".vscode",
      ".zshrc",
      "closed/in/.mcp.json",
      "sub/.claude",
      "sub/.envrc",
      "sub/dir/.idea",
    ]);
    for (const { path, movedTo, failed } of result.violations) {
      expect(existsSync(path) || failed !== undefined, path).toBe(false);
      expect(movedTo, path).toMatch(new RegExp(`^${state}/cordon/quarantine/`));
    }
    const tasks = result.violations.find(({ path }) => path.endsWith("/.vscode"));
    expect(readFileSync(join(tasks?.movedTo ?? "", "tasks.json"), "utf8")).toBe("evil\n");
    const quarantine = join(state, "cordon/quarantine");
    expect(readdirSync(quarantine)).toHaveLength(1);
    expect(statSync(quarantine).mode & 0o077).toBe(0);
    expect(readdirSync(ws).toSorted()).toEqual([
      ".claude-notes",
      ".env",
      ".git",
      ".github",
      ".mcp.json.example",
      ".vscode-test",
      "Makefile",
      "a.txt",
      "closed",
      "my.mcp.json",
      "package.json",
      "sub",
    ]);
  });

  it("of names that exist: they cannot be changed, removed, renamed or hidden", async () => {
    const { run, ws, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir -p .vscode sub/.claude/commands .claude/plans; echo t > .vscode/tasks.json; echo c > sub/.claude/commands/c.md; echo m > .mcp.json; echo r > .bashrc; ln -s .bashrc .zshrc; echo p > .claude/plans/p.md; echo s > .claude/settings.json`,
    );
    const before = inventory(ws, [".git"]);
    const result = await run(`
echo x > .vscode/tasks.json; rm -rf .vscode; mv .vscode v; mkdir -p .vscode/new; rm -f .mcp.json; mv .mcp.json m; echo x >> .mcp.json; ln -f a.txt .mcp.json
echo x > .bashrc; echo x > .zshrc; mv a.txt .zshrc.new; mv .zshrc.new a.txt; echo x > .claude/settings.json; echo x > .claude/new; mv .claude c; rm -rf sub/.claude
echo x > sub/.claude/commands/c.md; ln .mcp.json hard && echo x > hard; chmod 777 .mcp.json; touch -d 2001-01-01 .mcp.json; mv ../ws ../ws2; true`);
    expect(inventory(ws, [".git"])).toEqual(before);
    expect(result.violations).toEqual([]);
    const plans = await run(
      "echo more > .claude/plans/q.md; echo n > .claude/plans/.mcp.json; cat .claude/plans/q.md",
    );
    expect(plans.stdout).toBe("more\n");
    expect(moved(plans, ws)).toEqual([".claude/plans/.mcp.json"]);
  });

  it("of a directory that moved: what was in it before stays, what takes its place goes", async () => {
    const { run, ws, outsideRun } = actor.scene();
    outsideRun(`cd ${ws}; mkdir -p pkg/.vscode; echo t > pkg/.vscode/tasks.json; git init -q pkg/repo`);
    const result = await run(
      `mv pkg other; mkdir -p pkg/.vscode; echo evil > pkg/.vscode/tasks.json; cd other/repo && echo x > f && git add f && git commit -qm x`,
    );
    expect(result.status).toBe(0);
    expect(moved(result, ws)).toEqual(["pkg/.vscode"]);
    expect(readFileSync(join(ws, "other/.vscode/tasks.json"), "utf8")).toBe("t\n");
    const next = await run("true");
    expect(next.violations).toEqual([]);
  });

  it("moves beside its place what cannot be moved away", async () => {
    const { run, ws, state, outsideRun } = actor.scene();
    outsideRun(`rmdir ${state}; echo no > ${state}`);
    const result = await run("echo x > .mcp.json");
    expect(existsSync(join(ws, ".mcp.json"))).toBe(false);
    expect(result.violations).toMatchObject([
      { kind: "planted", movedTo: expect.stringMatching(/\.mcp\.json\.cordon-quarantine-[0-9a-f]{8}$/) },
    ]);
    expect(existsSync(result.violations[0]?.movedTo ?? "")).toBe(true);
  });

  it("a repository that does not name this working tree is not made writable for it", async () => {
    const { run, ws, outside, outsideRun } = actor.scene();
    outsideRun(
      `cd ${outside}; git init -q victim; cd victim; git commit -q --allow-empty -m v; git worktree add -q ../wt; rm -rf ${ws}/.git; echo "gitdir: ${outside}/victim/.git/worktrees/wt" > ${ws}/.git`,
    );
    const before = inventory(join(outside, "victim"));
    const result = await run(`echo x > ${outside}/victim/.git/HEAD; git commit -q --allow-empty -m evil`);
    expect(inventory(join(outside, "victim"))).toEqual(before);
    expect(result.notes.join("\n")).toMatch(/does not name this working tree/);
  });

  it("looks into directories whose names are no text, and tells when there is more than can be searched", async () => {
    const { run, ws, state } = actor.scene();
    const bytes = await run(
      "python3 - <<'E'\nimport os\nos.makedirs(b'd/\\xff/x')\nos.makedirs(b'd/\\xfe/fine')\nopen(b'd/\\xff/x/.mcp.json','w').write('x')\nE",
    );
    expect(bytes.violations).toMatchObject([
      {
        kind: "planted",
        path: expect.stringContaining(join(ws, "d")),
        why: "servers an agent starts",
        movedTo: expect.stringContaining(join(state, "cordon/quarantine/odd-")),
      },
    ]);
    expect(readdirSync(join(ws, "d"), "latin1")).toEqual(["\u00fe"]);
    expect((await run("true")).violations).toEqual([]);
    const deep = await run(
      "rm -rf d; for i in $(seq 30); do n=$(printf 'x%.0s' $(seq 200)); mkdir $n && cd $n; done; echo x > .mcp.json; echo made",
    );
    expect(deep.stdout).toBe("made\n");
    expect(deep.violations).toMatchObject([{ kind: "uninspected" }]);
  });

  it("in protected directories, however many repositories there are", async () => {
    const { run, ws, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir -p packages/a/.vscode packages/a/.husky; echo t > packages/a/.vscode/tasks.json; echo h > packages/a/.husky/pre-commit`,
    );
    const before = inventory(join(ws, "packages"));
    const made = await run("git init -q a0; for i in $(seq 79); do cp -r a0 a$i; done");
    expect(made.violations).toEqual([]);
    const result = await run(
      "cd packages/a; echo EVIL > .vscode/tasks.json; echo EVIL > .husky/pre-commit; true",
    );
    expect(result.stderr.match(/Read-only file system/g)).toHaveLength(2);
    expect(inventory(join(ws, "packages"))).toEqual(before);
  });

  it("behind protected links that stay as they are", async () => {
    const { run, ws, outsideRun } = actor.scene();
    outsideRun(
      `cd ${ws}; mkdir -p build cfg tools/husky; ln -s build/envrc .envrc; echo r > cfg/real.json; ln -s real.json cfg/link.json; ln -s cfg/link.json .mcp.json; ln -s tools/husky .husky`,
    );
    expect((await run("echo x > build/other")).violations).toEqual([]);
    const result = await run(
      "echo EVIL > build/envrc; echo EVIL > cfg/evil.json; ln -sfn evil.json cfg/link.json; mv tools t2 || echo held; true",
    );
    expect(result.stdout).toBe("held\n");
    expect(moved(result, ws)).toEqual([".mcp.json", "build/envrc"]);
    expect(existsSync(join(ws, ".envrc"))).toBe(false);
    expect(existsSync(join(ws, ".mcp.json"))).toBe(false);
  });

  it("restores protected files beyond those that mounts hold", async () => {
    const { run, ws, outsideRun } = actor.scene();
    outsideRun(`cd ${ws}; for i in $(seq 170); do mkdir -p p/$i; echo v > p/$i/.mcp.json; done`);
    const result = await run("for i in $(seq 170); do echo evil > p/$i/.mcp.json; done; true");
    expect(result.notes.join("\n")).toMatch(/compared and restored after the command/);
    const contents = new Set(
      readdirSync(join(ws, "p")).map((name) => readFileSync(join(ws, "p", name, ".mcp.json"), "utf8")),
    );
    expect([...contents]).toEqual(["v\n"]);
    expect(result.violations.every(({ kind, restored }) => kind === "changed" && restored)).toBe(true);
    expect(result.violations.length).toBeGreaterThan(10);
  });
});
