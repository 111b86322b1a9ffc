import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildLauncher } from "../../scripts/native.mjs";
import type { Footing } from "../../src/host/sandbox/footing.ts";
import { findSandbox, tryRungs } from "../../src/host/sandbox/ladder.ts";
import { bubblewrapIn } from "../../src/host/sandbox/linux/probe.ts";
import { type Proof, selfTest } from "../../src/host/sandbox/self-test.ts";

const IS_ROOT = process.getuid?.() === 0;
// Not below /tmp, which is a private place inside: the machine's own files have to be in sight.
const base = realpathSync(mkdtempSync(join(IS_ROOT ? "/var/lib" : homedir(), "cordon-self-test-")));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const BWRAP = bubblewrapIn({});
if (BWRAP === undefined) throw new Error("these tests need bubblewrap");
const built = buildLauncher(join(base, "native"));
const abi = built.built
  ? Number(/landlock (\d+)/.exec(spawnSync(built.path, ["version"], { encoding: "utf8" }).stdout)?.[1] ?? 0)
  : 0;
const environment = { PATH: "/usr/local/bin:/usr/bin:/bin" };

/** A bubblewrap that does not do all it is told: words of its arguments are taken away or exchanged. */
function brokenBwrap(name: string, edit: string): string {
  const path = join(base, `bwrap-${name}`);
  writeFileSync(
    path,
    `#!/bin/bash
echo call >> '${path}.log'
[[ $1 == --args ]] || exec ${BWRAP} "$@"
mapfile -d '' -t given <&3
words=()
i=0
while ((i < \${#given[@]})); do
  a=\${given[i]} b=\${given[i+1]} c=\${given[i+2]}
  ${edit}
  words+=("$a"); ((i++))
done
exec 3< <(printf '%s\\0' "\${words[@]}")
exec ${BWRAP} "$@"
`,
  );
  chmodSync(path, 0o755);
  return path;
}

const calls = (path: string): number =>
  existsSync(`${path}.log`) ? readFileSync(`${path}.log`, "utf8").split("\n").length - 1 : 0;

const by = (bubblewrap: string, launcher?: string): Footing => ({
  rung: "bubblewrap",
  bubblewrap,
  launcher,
  abi: 0,
  passed: [],
});
/** What could not be built is tried again: a socket of another program may have vanished meanwhile. */
async function prove(footing: Footing, tries = 4): Promise<Proof> {
  const proof = await selfTest(footing, { scratch: base, environment });
  return proof.kind === "failed" && proof.broken && tries > 1 ? prove(footing, tries - 1) : proof;
}
const failures = (proof: Proof): readonly string[] => (proof.kind === "failed" ? proof.failures : []);

/** What is taken away, and what the self-test has to say to it by bash and by the launcher. */
const BROKEN: readonly (readonly [string, string, string])[] = [
  ["the filter", "[[ $a == --seccomp ]] && { ((i+=2)); continue; }", "there is no filter of system calls"],
  [
    "the read-only root",
    "[[ $a == --ro-bind && $b == / && $c == / ]] && { words+=(--bind / /); ((i+=3)); continue; }",
    "a file outside was written",
  ],
  [
    "a mask",
    "[[ $a == --ro-bind && $b == /dev/null && $c == */masked ]] && { ((i+=3)); continue; }",
    "a masked file was read",
  ],
  [
    "a protected file's mount",
    "[[ $a == --ro-bind && $c == */.mcp.json ]] && { ((i+=3)); continue; }",
    "a protected file was written",
  ],
  [
    "the namespace of processes",
    "[[ $a == --unshare-pid ]] && { ((i++)); continue; }",
    "processes outside are visible",
  ],
  [
    "the namespace of the network",
    "[[ $a == --unshare-net ]] && { ((i++)); continue; }",
    "an abstract socket outside was connected to",
  ],
  [
    "the mask of a socket",
    "[[ $a == --ro-bind && $b == /dev/null && $c == */socket ]] && { ((i+=3)); continue; }",
    "a unix socket outside was connected to",
  ],
];

describe("the self-test", () => {
  const rungs: readonly Footing[] = [
    by(BWRAP),
    ...(built.built ? [by(BWRAP, built.path), { ...by(BWRAP, built.path), abi }] : []),
    ...(built.built ? [{ rung: "native", launcher: built.path, abi, passed: [] } as const] : []),
    ...(abi >= 3
      ? [{ rung: "landlock", launcher: built.built ? built.path : "", abi, passed: [] } as const]
      : []),
  ];
  it.each(rungs)("proves a sandbox that works and leaves nothing ($rung, Landlock $abi)", async (footing) => {
    const before = readdirSync(base).toSorted();
    const proof = await prove(footing);
    expect(failures(proof)).toEqual([]);
    expect(proof.kind === "proved" ? proof.probes : 0).toBeGreaterThanOrEqual(14);
    expect(readdirSync(base).toSorted()).toEqual(before);
    expect(process.listenerCount("SIGCONT")).toBe(0);
  });

  it.each(BROKEN)("finds out that %s is missing", async (what, edit, told) => {
    const path = brokenBwrap(what.replace(/\W/g, "-"), edit);
    expect(failures(await prove(by(path)))).toContain(told);
    if (built.built) expect(failures(await prove(by(path, built.path)))).toContain(told);
  });

  it.runIf(IS_ROOT)("finds out that root kept his capabilities", async () => {
    const path = brokenBwrap(
      "rights",
      "[[ $a == --cap-drop ]] && { words+=(--cap-add ALL); ((i+=2)); continue; }",
    );
    expect(failures(await prove(by(path)))).toContain("capabilities are left");
  });

  it.runIf(abi >= 2 && built.built)(
    "a mount that is missing makes nothing writable where Landlock stands beside",
    async () => {
      const [, edit] = BROKEN[1] ?? ["", ""];
      const path = brokenBwrap("root-with-landlock", edit);
      const proof = await prove({ ...by(path, built.built ? built.path : undefined), abi });
      expect(failures(proof)).toEqual([]);
    },
  );

  it("fails, and does not throw, where nothing starts", async () => {
    const proof = await prove(by(join(base, "absent")));
    expect(proof).toMatchObject({ kind: "failed", broken: true });
  });
});

describe("what is remembered of it", () => {
  const none = join(base, "no-launcher");
  const at = () => {
    const home = mkdtempSync(join(base, "home-"));
    const bwrapPath = brokenBwrap(`whole-${readdirSync(base).length}`, "");
    const file = join(home, ".local/state/cordon/self-test.json");
    const find = () =>
      findSandbox({ environment: { ...environment, HOME: home }, home, bwrapPath, launchers: none });
    return { home, bwrapPath, file, find };
  };

  it("spares the next command the test, until a program changes", async () => {
    const { bwrapPath, find, file } = at();
    expect(await find()).toMatchObject({ kind: "available", footing: { rung: "bubblewrap" } });
    const tested = calls(bwrapPath);
    expect(tested).toBeGreaterThan(0);
    expect(await find()).toMatchObject({ kind: "available", footing: { rung: "bubblewrap" } });
    expect(calls(bwrapPath)).toBe(tested);
    expect(readFileSync(file, "utf8")).not.toContain(base);
    utimesSync(bwrapPath, 1, 1);
    await find();
    expect(calls(bwrapPath)).toBeGreaterThan(tested);
  });

  it.each<readonly [string, (file: string) => void]>([
    ["is no JSON", (file) => writeFileSync(file, "{")],
    ["is empty", (file) => writeFileSync(file, "")],
    ["has another form", (file) => writeFileSync(file, '{"version":1,"proofs":[{"key":"x","abi":7}]}')],
    [
      "is of another version",
      (file) => writeFileSync(file, readFileSync(file, "utf8").replace('"version":1', '"version":2')),
    ],
    ["can be read by others", (file) => chmodSync(file, 0o644)],
    ["is a link", (file) => (renameSync(file, `${file}.moved`), symlinkSync(`${file}.moved`, file))],
    ["is a directory", (file) => (rmSync(file), mkdirSync(file))],
    ["lies in a directory that others may write to", (file) => chmodSync(join(file, ".."), 0o777)],
    ...(IS_ROOT
      ? [["belongs to somebody else", (file: string) => chownSync(file, 65_534, 65_534)] as const]
      : []),
  ])("counts for nothing where the file %s", async (_what, spoil) => {
    const { bwrapPath, find, file } = at();
    await find();
    const tested = calls(bwrapPath);
    spoil(file);
    expect(await find()).toMatchObject({ kind: "available" });
    expect(calls(bwrapPath)).toBeGreaterThan(tested);
  });

  it("is nothing after a failure: the cause is told, and the test is made again", async () => {
    const { home, file } = at();
    const bwrapPath = brokenBwrap("never-proved", BROKEN[0]?.[1] ?? "");
    const options = { environment: { ...environment, HOME: home }, home, bwrapPath, launchers: none };
    for (let times = 0; times < 2; times++)
      expect(await findSandbox(options)).toMatchObject({
        kind: "unavailable",
        why: expect.stringMatching(/^the self-test failed: .*there is no filter of system calls$/),
      });
    expect(existsSync(file)).toBe(false);
    const { rungs } = await tryRungs(options);
    expect(rungs.map(({ state }) => [state.rung, state.works])).toEqual([
      ["native", false],
      ["bubblewrap", false],
      ["landlock", false],
    ]);
  });
});
