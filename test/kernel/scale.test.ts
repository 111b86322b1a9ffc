import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readRule } from "../../src/core/settings/rule.ts";
import type { policyOf } from "./driver.ts";
import { launcherAt } from "./kills-launcher.ts";
import { type Answer, answerOf, ask, buildVictim, copyLists, makeGround, startVictim } from "./kills.ts";

const base = mkdtempSync(join(process.getuid?.() === 0 ? "/var/lib" : homedir(), "cordon-scale-"));
const script = join(base, "victim.mjs");
const lists = join(base, "paths.json");
const built: { launcher?: string | undefined } = {};
let count = 0;

beforeAll(async () => {
  chmodSync(base, 0o755);
  await buildVictim(script);
  copyLists("data/paths.json", lists);
  built.launcher = launcherAt(join(base, "native"));
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const HIDDEN = readRule("Read(**/*.secret)", "deny").readings.map((reading) => ({
  ...reading,
  text: "Read(**/*.secret)",
  scope: "user" as const,
  anchor: "/nowhere",
}));

describe.each(["bubblewrap", "native"] as const)("many paths, on %s", (rung) => {
  const missing = (): boolean => rung === "native" && built.launcher === undefined;
  /** A session of many commands; what it is asked, it is asked as the same session. */
  const session = () => {
    const ground = makeGround(join(base, `${rung}-${++count}`));
    const victim = startVictim(
      script,
      lists,
      rung === "native" ? built.launcher : undefined,
      ground,
      ground.ws,
    );
    onTestFinished(() => void victim.child.kill("SIGKILL"));
    const run = async (command: string, policy: Parameters<typeof policyOf>[0] = {}): Promise<Answer> => {
      ask(victim, command, policy);
      const answer = await answerOf(victim, 60_000);
      if (answer === undefined || answer === "late") throw new Error(`it ${answer ?? "died"}`);
      return answer;
    };
    return { ...ground, run };
  };

  it(
    "3,000 hidden files are hidden, or the plan is refused with a word on it",
    { timeout: 120_000 },
    async ({ skip }) => {
      if (missing()) return skip("no C compiler");
      const { ws, run } = session();
      for (let index = 0; index < 3_000; index++) {
        const directory = join(ws, `p${index % 100}`);
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, `${index}.secret`), "canary");
      }
      const first = await run("grep -rl canary . | wc -l; echo done", { rules: HIDDEN });
      if (rung === "bubblewrap") {
        expect(first.thrown).toMatch(/paths have to be mounted, more than bubblewrap takes/);
        return;
      }
      expect(first.stdout).toBe("0\ndone\n");
      writeFileSync(join(ws, "p1/late.secret"), "canary");
      for (let round = 0; round < 3; round++)
        expect((await run("grep -rl canary . | wc -l; echo done", { rules: HIDDEN })).stdout).toBe(
          "0\ndone\n",
        );
      expect((await run("true", { rules: HIDDEN })).mounts).toBeGreaterThan(3_000);
    },
  );

  it(
    "a commit works with 250 linked worktrees, and what is planted in one is found",
    { timeout: 120_000 },
    async ({ skip }) => {
      if (missing()) return skip("no C compiler");
      const { ws, home, run } = session();
      const env = { PATH: "/usr/bin:/bin", HOME: home };
      const add =
        "for i in $(seq 250); do git worktree add -q --no-checkout trees/w$i -b w$i 2> /dev/null; done";
      execFileSync("/bin/bash", ["-ec", add], { cwd: ws, env });
      for (let round = 0; round < 3; round++) {
        const text = `echo ${round} > new-${round}; git add new-${round}; git commit -qm ${round} && echo done`;
        expect(await run(text)).toMatchObject({ stdout: "done\n", violations: [] });
      }
      const link = readFileSync(join(ws, "trees/w249/.git"), "utf8");
      const { violations } = await run(
        "mkdir evil; cp -r .git/worktrees/w7 evil/git; echo gitdir: $PWD/evil/git > trees/w249/.git; echo /nowhere > .git/worktrees/w100/commondir",
      );
      expect(violations.map(({ path }) => path)).toEqual(
        expect.arrayContaining([join(ws, ".git/worktrees/w100/commondir"), join(ws, "trees/w249/.git")]),
      );
      expect(readFileSync(join(ws, "trees/w249/.git"), "utf8")).toBe(link);
      expect(await run("git -C trees/w100 commit -q --allow-empty -m x && echo done")).toMatchObject({
        stdout: "done\n",
      });
    },
  );

  it("what is planted is found in a session that only looks at what changed", async ({ skip }) => {
    if (missing()) return skip("no C compiler");
    const { ws, run } = session();
    mkdirSync(join(ws, "deep/deeper"), { recursive: true });
    for (let round = 0; round < 4; round++) expect((await run("true")).violations).toEqual([]);
    const { violations } = await run(
      "mkdir -p deep/deeper/new/.claude; echo x > deep/.mcp.json; mv deep/deeper moved",
    );
    expect(violations.map(({ path }) => path)).toEqual([
      join(ws, "deep/.mcp.json"),
      join(ws, "moved/new/.claude"),
    ]);
    // Made by the person meanwhile: it is held from now on.
    writeFileSync(join(ws, "moved/.mcp.json"), "mine");
    expect((await run("echo x > moved/.mcp.json || echo held")).stdout).toBe("held\n");
  });

  it("files that run later are held where settings say so", async ({ skip }) => {
    if (missing()) return skip("no C compiler");
    const { ws, run } = session();
    writeFileSync(join(ws, "Makefile"), "all:\n");
    const command = "echo evil >> Makefile; mkdir -p x; echo evil > x/package.json; cat Makefile";
    expect(await run(command)).toMatchObject({ violations: [], stdout: "all:\nevil\n" });
    rmSync(join(ws, "x"), { recursive: true });
    const held = await run(command, { sandbox: { holdRunsLater: true } });
    expect(held.stdout).toBe("all:\nevil\n");
    expect(held.violations.map(({ path }) => path)).toEqual([join(ws, "x/package.json")]);
    expect(existsSync(join(ws, "x/package.json"))).toBe(false);
  });
});
