import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { launcherAt } from "./kills-launcher.ts";
import {
  type Answer,
  type Ground,
  type Victim,
  answerOf,
  ask,
  buildVictim,
  copyLists,
  makeGround,
  startVictim,
} from "./kills.ts";

const base = mkdtempSync(join(process.getuid?.() === 0 ? "/var/lib" : homedir(), "cordon-together-"));
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

async function until(path: string): Promise<void> {
  for (let left = 500; !existsSync(path); left--) {
    if (left === 0) throw new Error(`${path} did not appear`);
    await pause(20);
  }
}

/** A session in a workspace; its commands are told apart by the files they make and wait for. */
interface Session {
  readonly victim: Victim;
  /** Runs `before`, makes `NAME-up`, waits for `NAME-go`, runs `after`. */
  readonly begin: (before: string, after?: string) => Promise<void>;
  readonly end: () => Promise<Answer>;
  readonly run: (command: string) => Promise<Answer>;
  readonly kill: () => Promise<void>;
}

describe.each(["bubblewrap", "native"] as const)("sandboxes at once, on %s", (rung) => {
  const ground = (): Ground => {
    const made = makeGround(join(base, `${rung}-${++count}`));
    return made;
  };
  const session = (place: Ground, name: string, root = place.ws): Session => {
    const victim = startVictim(script, lists, rung === "native" ? built.launcher : undefined, place, root);
    onTestFinished(() => void victim.child.kill("SIGKILL"));
    const answer = async (): Promise<Answer> => {
      const told = await answerOf(victim, 30_000);
      if (told === undefined || told === "late") throw new Error(`${name}: ${told ?? "it is dead"}`);
      if (told.thrown !== undefined) throw new Error(`${name}: ${told.thrown}`);
      return told;
    };
    return {
      victim,
      begin: async (before, after = "true") => {
        ask(victim, `${before}; touch ${name}-up; until [ -e ${name}-go ]; do sleep 0.01; done; ${after}`);
        await until(join(root, `${name}-up`));
      },
      end: () => {
        writeFileSync(join(root, `${name}-go`), "");
        return answer();
      },
      run: (command) => {
        ask(victim, command);
        return answer();
      },
      kill: async () => {
        victim.child.kill("SIGKILL");
        await pause(200);
      },
    };
  };
  const told = ({ violations }: Answer): readonly string[] => violations.map(({ path }) => path);

  it("what one plants is found by the other where that ends first", async ({ skip }) => {
    if (rung === "native" && built.launcher === undefined) return skip("no C compiler");
    const place = ground();
    const [a, b] = [session(place, "a"), session(place, "b")];
    await b.begin("true");
    await a.begin("echo evil > .mcp.json; mkdir -p x/.claude; echo mine > work");
    expect(told(await b.end())).toEqual([".mcp.json", "x/.claude"].map((path) => join(place.ws, path)));
    expect(existsSync(join(place.ws, ".mcp.json"))).toBe(false);
    const last = await a.end();
    expect(last.violations.filter(({ failed }) => failed !== undefined)).toEqual([]);
    expect(readFileSync(join(place.ws, "work"), "utf8")).toBe("mine\n");
  });

  it("what was planted before the other started is found by its own end, and not put back", async ({
    skip,
  }) => {
    if (rung === "native" && built.launcher === undefined) return skip("no C compiler");
    const place = ground();
    const [a, b] = [session(place, "a"), session(place, "b")];
    await a.begin(
      "echo evil > .mcp.json; ln -s evil .vscode-link; mkdir evil; ln -s evil x.link; ln -s ../evil src/.vscode",
    );
    await b.begin("true");
    expect(told(await a.end())).toEqual([".mcp.json", "src/.vscode"].map((path) => join(place.ws, path)));
    await b.end();
    expect(
      [".mcp.json", "src/.vscode"].filter((path) =>
        readdirSync(join(place.ws, path, "..")).includes(path.replace(/.*\//, "")),
      ),
    ).toEqual([]);
  });

  it("what a killed one planted is found by the next, while another runs", async ({ skip }) => {
    if (rung === "native" && built.launcher === undefined) return skip("no C compiler");
    const place = ground();
    const [a, b, c] = [session(place, "a"), session(place, "b"), session(place, "c", place.tree)];
    await a.begin("echo evil > .mcp.json");
    await b.begin("true");
    await a.kill();
    // The worktree can write to the repository, so it looks too.
    expect(told(await c.run("true"))).toEqual([join(place.ws, ".mcp.json")]);
    expect(told(await b.end())).toEqual([]);
    expect(existsSync(join(place.ws, ".mcp.json"))).toBe(false);
    expect(readdirSync(join(place.state, "cordon/running")).filter((name) => name.endsWith(".json"))).toEqual(
      [],
    );
  });

  it("a link that one exchanged is what it was, whichever ends last", async ({ skip }) => {
    if (rung === "native" && built.launcher === undefined) return skip("no C compiler");
    for (const order of ["ab", "ba"]) {
      const place = ground();
      mkdirSync(join(place.ws, "tools"));
      symlinkSync("tools", join(place.ws, ".idea"));
      const [a, b, c] = [session(place, "a"), session(place, "b"), session(place, "c")];
      await b.begin("true");
      await a.begin("rm .idea; mkdir evil; ln -s evil .idea");
      await c.begin("true");
      for (const name of order) await (name === "a" ? a : b).end();
      await c.end();
      expect(readlinkSync(join(place.ws, ".idea")), order).toBe("tools");
    }
  });

  it("files that no mount holds are what they were, whoever ends first or is killed", async ({ skip }) => {
    if (rung === "native") return skip("it holds them all by mounts");
    for (const order of ["abc", "bac", "cAb"]) {
      const place = ground();
      for (let index = 0; index < 160; index++) {
        mkdirSync(join(place.ws, `d${index}`));
        writeFileSync(join(place.ws, `d${index}/.mcp.json`), `mine ${index}\n`);
      }
      // The last in order are beyond what bubblewrap holds.
      const file = join(place.ws, "d99/.mcp.json");
      const [a, b, c] = [session(place, "a"), session(place, "b"), session(place, "c")];
      await b.begin("true");
      await a.begin("echo evil > d99/.mcp.json; rm d98/.mcp.json");
      expect(readFileSync(file, "utf8")).toBe("evil\n");
      await c.begin("true");
      for (const name of order)
        await (name === "A" ? a.kill() : name === "a" ? a.end() : name === "b" ? b.end() : c.end());
      await session(place, "d").run("true");
      for (let index = 0; index < 160; index++)
        expect(readFileSync(join(place.ws, `d${index}/.mcp.json`), "utf8"), order).toBe(`mine ${index}\n`);
    }
  }, 120_000);

  it("commits in a workspace and its worktrees do not disturb each other", async ({ skip }) => {
    if (rung === "native" && built.launcher === undefined) return skip("no C compiler");
    const place = ground();
    const sessions = [session(place, "a"), session(place, "b", place.tree), session(place, "c", place.tree)];
    const results = await Promise.all(
      sessions.map(async ({ run }, index) => {
        const all: Answer[] = [];
        for (let round = 0; round < 5; round++)
          all.push(
            await run(
              `for i in 1 2 3; do echo ${index} ${round} $i > f-${index}-${round}-$i; until git add f-${index}-${round}-$i && git commit -qm x f-${index}-${round}-$i; do sleep 0.02; done; done 2> /dev/null; git worktree add -q --no-checkout w-${index}-${round} -b n-${index}-${round} 2> /dev/null; git -C w-${index}-${round} commit -q --allow-empty -m y; echo done`,
            ),
          );
        return all;
      }),
    );
    for (const each of results.flat()) expect(each).toMatchObject({ stdout: "done\n", violations: [] });
    expect(readdirSync(place.ws).filter((name) => name.startsWith("f-"))).toHaveLength(15);
    expect(readdirSync(place.tree).filter((name) => name.startsWith("f-"))).toHaveLength(30);
  }, 60_000);
});
