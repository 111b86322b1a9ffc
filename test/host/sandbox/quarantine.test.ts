import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Applied, applyRemedies } from "../../../src/host/sandbox/quarantine.ts";
import { seenAt } from "../../../src/host/sandbox/look.ts";

const NOTHING = new Map<string, never>();

/** A directory that can be written, on another file system than the one for temporary files. */
const elsewhere = ["/dev/shm", "/run", process.cwd()].find((path) => {
  try {
    if (statSync(path).dev === statSync(tmpdir()).dev) return false;
    rmSync(mkdtempSync(join(path, "cordon-try-")), { recursive: true });
    return true;
  } catch {
    return false;
  }
});
if (elsewhere === undefined)
  console.warn("SKIPPED: there is no second file system here, so no quarantine on another one is tried");

let base: string;
let ws: string;
let outside: string;
let near: string;
let far: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-quarantine-")));
  ws = join(base, "ws");
  outside = join(base, "private");
  near = join(base, "state/quarantine");
  for (const path of [ws, outside]) mkdirSync(path);
  for (let i = 0; i < 20; i++) writeFileSync(join(outside, `f${i}`), "mine\n");
  const other = elsewhere === undefined ? undefined : mkdtempSync(join(elsewhere, "cordon-quarantine-"));
  far = join(other ?? base, "state/quarantine");
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
  if (elsewhere !== undefined) rmSync(dirname(dirname(far)), { recursive: true, force: true });
});

/** What the person has outside, which nothing may touch. */
function isWhole(files = 20): boolean {
  const names = readdirSync(outside);
  return (
    names.length === files && names.every((name) => readFileSync(join(outside, name), "utf8") === "mine\n")
  );
}

function planted(quarantine: string, ...paths: readonly string[]): Applied {
  const remedies = paths.map((path) => ({
    path,
    why: "test",
    kind: "planted" as const,
    id: seenAt(path).id,
  }));
  return applyRemedies(remedies, quarantine, NOTHING);
}

const here = (name: string): string => join(ws, name);

/** Kilobytes that a directory really takes. */
function taken(path: string): number {
  return existsSync(path)
    ? Number(execFileSync("du", ["-sk", path], { encoding: "utf8" }).split("\t")[0])
    : 0;
}

function tree(path: string): void {
  mkdirSync(join(path, "d"), { recursive: true });
  for (let i = 0; i < 20; i++) writeFileSync(join(path, "d", `f${i}`), "evil\n");
  symlinkSync(outside, join(path, "out"));
  symlinkSync(join(outside, "f0"), join(path, "file"));
}

describe("what a command planted, with cordon's state on the same file system", () => {
  it("goes to a private directory, which says where it was", () => {
    tree(here(".vscode"));
    writeFileSync(here(".mcp.json"), "evil\n");
    const { violations, exchanged } = planted(near, here(".mcp.json"), here(".vscode"));
    expect(exchanged).toBe(false);
    const [file, directory] = violations.map(({ movedTo }) => movedTo ?? "");
    expect(readFileSync(file ?? "", "utf8")).toBe("evil\n");
    expect(readlinkSync(join(directory ?? "", "out"))).toBe(outside);
    const [place] = readdirSync(near);
    expect([file, directory]).toEqual([join(near, `${place}/0-.mcp.json`), join(near, `${place}/1-.vscode`)]);
    expect(JSON.parse(readFileSync(join(near, `${place}/where.json`), "utf8"))).toMatchObject([
      { path: here(".mcp.json") },
      { path: here(".vscode") },
    ]);
    expect(statSync(near).mode & 0o077).toBe(0);
    expect(readdirSync(ws)).toEqual([]);
    expect(isWhole()).toBe(true);
  });

  it("is left alone where something else stands there than was judged", () => {
    writeFileSync(here(".mcp.json"), "another\n");
    const remedy = { path: here(".mcp.json"), why: "", kind: "planted", id: "1:1:1" } as const;
    expect(applyRemedies([remedy], near, NOTHING)).toEqual({ violations: [], exchanged: true });
    expect(readdirSync(ws)).toEqual([".mcp.json"]);
    expect(existsSync(near)).toBe(false);
  });

  it("goes also where its name is as long as a name can be", () => {
    const name = `${"\u00e9".repeat(120)}.code-workspace`;
    writeFileSync(here(name), "evil\n");
    const { violations } = planted(near, here(name));
    expect(violations).toMatchObject([{ movedTo: expect.stringContaining(near), failed: undefined }]);
    expect(readdirSync(ws)).toEqual([]);
  });
});

describe.skipIf(elsewhere === undefined)("the same, with cordon's state on another file system", () => {
  it("gets a name beside its place that nothing reads, and is told under that name", () => {
    writeFileSync(here(".mcp.json"), "evil\n");
    writeFileSync(here("prettier.config.js"), "evil\n");
    const { violations, exchanged } = planted(far, here(".mcp.json"), here("prettier.config.js"));
    expect(exchanged).toBe(false);
    expect(violations).toMatchObject([
      {
        why: "test",
        failed: undefined,
        movedTo: expect.stringMatching(/\/\.mcp\.json\.cordon-quarantine-[0-9a-f]{8}$/),
      },
      {
        why: "test",
        failed: undefined,
        movedTo: expect.stringMatching(/\/\.prettier\.config\.js\.cordon-quarantine-[0-9a-f]{8}$/),
      },
    ]);
    for (const { movedTo } of violations) expect(readFileSync(movedTo ?? "", "utf8")).toBe("evil\n");
    expect(readdirSync(ws)).toEqual(violations.map(({ movedTo }) => (movedTo ?? "").slice(ws.length + 1)));
    const [place] = readdirSync(far);
    expect(readdirSync(join(far, place ?? ""))).toEqual(["where.json"]);
  });

  it("a directory moves whole, links in it stay links, and it has to be looked at again", () => {
    tree(here(".vscode"));
    const inode = lstatSync(here(".vscode")).ino;
    const { violations, exchanged } = planted(far, here(".vscode"));
    expect(exchanged).toBe(true);
    const movedTo = violations[0]?.movedTo ?? "";
    expect(dirname(movedTo)).toBe(ws);
    expect(lstatSync(movedTo).ino).toBe(inode);
    expect(readdirSync(movedTo).toSorted()).toEqual(["d", "file", "out"]);
    expect(readlinkSync(join(movedTo, "out"))).toBe(outside);
    expect(readdirSync(ws)).toHaveLength(1);
    expect(isWhole()).toBe(true);
  });

  it("a link moves, and not what it leads to", () => {
    symlinkSync(outside, here(".vscode"));
    symlinkSync(join(outside, "f0"), here(".mcp.json"));
    const { violations, exchanged } = planted(far, here(".mcp.json"), here(".vscode"));
    expect(exchanged).toBe(false);
    expect(violations.map(({ movedTo }) => readlinkSync(movedTo ?? ""))).toEqual([
      join(outside, "f0"),
      outside,
    ]);
    expect(isWhole()).toBe(true);
  });

  it("a pipe and a socket are not opened", async () => {
    execFileSync("mkfifo", [here(".envrc")]);
    const server = createServer();
    await new Promise<void>((done) => {
      server.listen(here(".npmrc"), done);
    });
    const { violations } = planted(far, here(".envrc"), here(".npmrc"));
    const stats = violations.map(({ movedTo }) => lstatSync(movedTo ?? ""));
    expect([stats[0]?.isFIFO(), stats[1]?.isSocket()]).toEqual([true, true]);
    await new Promise((done) => {
      server.close(done);
    });
  });

  it("a sparse file of 2 GiB takes no space, alone or in a directory", () => {
    mkdirSync(here(".idea"));
    for (const name of [".mcp.json", ".idea/large"]) {
      writeFileSync(here(name), "");
      truncateSync(here(name), 2 * 1024 ** 3);
    }
    const { violations } = planted(far, here(".idea"), here(".mcp.json"));
    expect(statSync(violations[1]?.movedTo ?? "").size).toBe(2 * 1024 ** 3);
    expect(taken(ws)).toBeLessThan(1024);
    expect(taken(far)).toBeLessThan(1024);
  });

  it("goes also where its name is as long as a name can be", () => {
    const name = `${"a".repeat(240)}.code-workspace`;
    writeFileSync(here(name), "evil\n");
    const { violations } = planted(far, here(name));
    expect(violations).toMatchObject([
      { failed: undefined, movedTo: expect.stringMatching(/a\.cordon-quarantine-/) },
    ]);
    expect(readdirSync(ws)).toHaveLength(1);
  });
});

/**
 * Exchanges entries for others and back, as fast as it can, until it is killed: where a third path
 * is given, only while that one is gone and the entry is not.
 */
const SWAP = `
const { existsSync, renameSync } = require("node:fs");
const pairs = JSON.parse(process.argv[1]);
const move = (a, b) => { try { renameSync(a, b); } catch {} };
process.stdout.write("ready\\n");
for (;;) for (const [at, other, first] of pairs) {
  if (first !== undefined && (existsSync(first) || !existsSync(at))) continue;
  move(at, at + ".held"); move(other, at); move(at, other); move(at + ".held", at);
}`;

async function whileSwapping(
  pairs: readonly (readonly [at: string, other: string, first?: string])[],
  work: () => void,
): Promise<void> {
  const child = spawn(process.execPath, ["-e", SWAP, JSON.stringify(pairs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((ready) => child.stdout.once("data", ready));
    work();
  } finally {
    const gone = new Promise((ended) => child.once("exit", ended));
    child.kill("SIGKILL");
    await gone;
  }
}

const STATES = [
  ["the same file system", () => near, false],
  ["another file system", () => far, elsewhere === undefined],
] as const;

describe.each(STATES)("while another command exchanges things, with state on %s", (_, state, isMissing) => {
  it.skipIf(isMissing)("nothing outside is touched through a directory exchanged for a link", async () => {
    symlinkSync(outside, here("link"));
    await whileSwapping([[here(".vscode/d"), here("link")]], () => {
      for (let round = 0; round < 40 && isWhole(); round++) {
        // Made where nothing is exchanged: the test itself must not write through a link.
        const made = join(base, `made${round}`);
        tree(made);
        symlinkIfAbsent(outside, here("link"));
        renameSync(made, here(".vscode"));
        const { violations } = planted(state(), here(".vscode"));
        expect(violations).toHaveLength(1);
        expect(existsSync(here(".vscode"))).toBe(false);
      }
    });
    expect(isWhole()).toBe(true);
  });

  it.skipIf(isMissing)("nor as soon as somebody began to empty that directory", async () => {
    for (let i = 0; i < 200; i++) writeFileSync(join(outside, `f${i}`), "mine\n");
    const numbers = [0, 1];
    const pairs = numbers.map(
      (n) => [here(`.vscode/${n}`), here(`link${n}`), here(`.vscode/${n}/f0`)] as const,
    );
    await whileSwapping(pairs, () => {
      for (let round = 0; round < 3 && isWhole(200); round++) {
        const made = join(base, `made${round}`);
        for (const n of numbers) {
          mkdirSync(join(made, String(n)), { recursive: true });
          for (let i = 0; i < 200; i++) writeFileSync(join(made, String(n), `f${i}`), "evil\n");
          symlinkIfAbsent(outside, here(`link${n}`));
        }
        renameSync(made, here(".vscode"));
        expect(planted(state(), here(".vscode")).violations).toHaveLength(1);
      }
    });
    expect(isWhole(200)).toBe(true);
  });

  it.skipIf(isMissing)(
    "nor through an exchanged directory above, and what was not judged is told",
    async () => {
      mkdirSync(here("sub"));
      symlinkSync(outside, here("link"));
      writeFileSync(here("other"), "other\n");
      let moved = 0;
      const pairs = [
        [here("sub"), here("link")],
        [here(".mcp.json"), here("other")],
      ] as const;
      await whileSwapping(pairs, () => {
        for (let round = 0; round < 150; round++) {
          for (const [name, text] of [
            [".mcp.json", "evil\n"],
            ["other", "other\n"],
            ["sub/f0", "evil\n"],
          ] as const) {
            try {
              writeFileSync(here(name), text, { flag: "wx" });
            } catch {
              // It is there, or on its way.
            }
          }
          const [file, below] = [seenAt(here(".mcp.json")).id, seenAt(here("sub/f0")).id];
          const before = inodeOf(file);
          const remedies = [
            { path: here(".mcp.json"), why: "test", kind: "planted", id: file },
            // That of the person's is never what was judged.
            ...(inodeOf(below) === String(statSync(join(outside, "f0")).ino)
              ? []
              : [{ path: here("sub/f0"), why: "test", kind: "planted", id: below } as const]),
          ] as const;
          const told = applyRemedies(remedies, state(), NOTHING).violations.find(
            ({ path }) => path === here(".mcp.json"),
          );
          if (told?.movedTo === undefined) continue;
          moved += 1;
          const after = String(lstatSync(told.movedTo).ino);
          if (file !== "" && after !== before) expect(told.why).toMatch(/exchanged for something else/);
        }
      });
      expect(moved).toBeGreaterThan(0);
      expect(isWhole()).toBe(true);
    },
  );
});

function symlinkIfAbsent(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // It is there, or comes back.
  }
}

function inodeOf(id: string): string {
  return id.split(":")[1] ?? "";
}
