import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import { SettingsFileError } from "../../../src/host/settings/error.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { saveRule } from "../../../src/host/settings/save.ts";
import { isWritten, recordWritten } from "../../../src/host/settings/written.ts";
import { driver, isRoot, type Machine, machine } from "./machine.ts";

const RULE = "Bash(npm test *)";
const save = ({ state }: Machine, file: string, rule: string = RULE): boolean =>
  saveRule({ file, effect: "allow", rule, state });
const entries = (file: string): readonly string[] => readdirSync(dirname(file));
const shared = ({ root }: Machine): string => join(root, ".claude/settings.json");
const local = ({ root }: Machine): string => join(root, ".claude/settings.local.json");

describe("a file", () => {
  it("is made with its directory", () => {
    const here = machine();
    const file = join(here.home, ".config/cordon/settings.json");
    expect(save(here, file)).toBe(true);
    expect(readFileSync(file, "utf8")).toBe(
      '{\n  "permissions": {\n    "allow": [\n      "Bash(npm test *)"\n    ]\n  }\n}\n',
    );
    expect(statSync(file).mode & 0o777).toBe(0o644 & ~process.umask());
    expect(save(here, file)).toBe(false);
    expect(entries(file)).toEqual(["settings.json"]);
  });

  it.each([0o600, 0o640, 0o444, 0o666])("keeps its mode %o", (mode) => {
    const here = machine();
    const file = here.put(shared(here), "{}", mode);
    save(here, file);
    expect(statSync(file).mode & 0o7777).toBe(mode);
  });

  it.skipIf(!isRoot)("keeps its owner and group", () => {
    const here = machine();
    const file = here.put(shared(here), "{}");
    chownSync(file, 12345, 23456);
    save(here, file);
    expect(statSync(file)).toMatchObject({ uid: 12345, gid: 23456 });
  });

  const refused: readonly (readonly [string, string, (here: Machine, file: string) => void])[] = [
    ["a link", "is a link", (here, file) => symlinkSync(here.put(join(here.top, "x"), "{}"), file)],
    ["a link to nowhere", "is a link", (_here, file) => symlinkSync("/nonexistent/x", file)],
    [
      "a second name of another file",
      "has several names",
      (here, file) => linkSync(here.put(join(here.top, "x"), "{}"), file),
    ],
    ["a directory", "is a directory", (_here, file) => mkdirSync(file)],
    [
      "a broken file",
      "a closing brace is missing",
      (_here, file) => writeFileSync(file, '{"permissions": {'),
    ],
    ["an empty file", "the file is empty", (_here, file) => writeFileSync(file, "")],
    [
      "a file in another encoding",
      "is not written in UTF-8",
      (_here, file) => writeFileSync(file, Buffer.from([0xff, 0xfe, 0x7b])),
    ],
  ];
  it.each(refused)("that is %s is not touched", (_name, message, make) => {
    const here = machine();
    const file = shared(here);
    mkdirSync(dirname(file));
    make(here, file);
    const before = statSync(file, { throwIfNoEntry: false });
    expect(() => save(here, file)).toThrow(SettingsFileError);
    expect(() => save(here, file)).toThrow(message);
    const after = statSync(file, { throwIfNoEntry: false });
    expect([after?.ino, after?.mtimeMs, after?.size]).toEqual([before?.ino, before?.mtimeMs, before?.size]);
    expect(entries(file)).toEqual(["settings.json"]);
  });

  it("in a linked directory is not touched", () => {
    const here = machine();
    mkdirSync(join(here.top, "elsewhere"));
    symlinkSync(join(here.top, "elsewhere"), join(here.root, ".claude"));
    expect(() => save(here, shared(here))).toThrow("is a link");
    expect(readdirSync(join(here.top, "elsewhere"))).toEqual([]);
  });

  it.each(["Bash()", "Bash(", "", "Bash(a && b)", "Bash(timeout:5)"])("takes no faulty rule (%j)", (rule) => {
    const here = machine();
    expect(() => save(here, shared(here), rule)).toThrow(SettingsFileError);
    expect(existsSync(shared(here))).toBe(false);
  });
});

describe("a full disk", () => {
  /** A file system of 64 kB; undefined where none can be mounted. */
  const disk = (here: Machine): string | undefined => {
    const path = join(here.top, "disk");
    mkdirSync(path);
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", path]);
    if (status !== 0) {
      console.warn("SKIPPED: no file system can be mounted here, so a full disk cannot be tried");
      return undefined;
    }
    onTestFinished(() => {
      spawnSync("umount", [path]);
    });
    return path;
  };
  const fill = (path: string): void => {
    spawnSync("dd", ["if=/dev/zero", `of=${join(path, "filler")}`, "bs=1k", "count=64"]);
  };

  it("loses nothing", (context) => {
    const here = machine();
    const path = disk(here);
    if (path === undefined) return context.skip();
    const file = here.put(
      join(path, ".claude/settings.json"),
      '{"permissions": {"deny": ["Read(.env)"]}} // kept\n',
    );
    const before = readFileSync(file, "utf8");
    fill(path);
    expect(() => save(here, file)).toThrow("cannot be written (the disk is full); it is as it was");
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(entries(file)).toEqual(["settings.json"]);
    rmSync(join(path, "filler"));
    expect(save(here, file)).toBe(true);
    expect(readFileSync(file, "utf8")).toContain(RULE);
  });

  it("does not make a local file that was trusted untrusted", (context) => {
    const here = machine();
    const path = disk(here);
    if (path === undefined) return context.skip();
    const file = join(path, ".claude/settings.local.json");
    save(here, file);
    fill(path);
    expect(() => save(here, file, "Bash(ls)")).toThrow("the disk is full");
    expect(isWritten(here.state, file, readFileSync(file))).toBe(true);
  });
});

describe("a local file", () => {
  it("made by cordon counts at once, and after every rule", () => {
    const here = machine();
    const request = here.request();
    for (const rule of ["Bash(a)", "Bash(b)", "Bash(b)", "Bash(c)"]) save(here, local(here), rule);
    const { sources, fingerprint } = loadSources(request);
    const rules = buildPolicy(sources, request, fingerprint).rules;
    expect(rules.map(({ effect, text }) => `${effect} ${text}`)).toEqual([
      "allow Bash(a)",
      "allow Bash(b)",
      "allow Bash(c)",
    ]);
    expect(statSync(here.state).mode & 0o777).toBe(0o700);
  });

  it("that came with the repository does not become one's own by a rule more", () => {
    const here = machine();
    const text = '{"permissions": {"allow": ["Bash"]}}';
    const file = here.put(local(here), text);
    expect(() => save(here, file)).toThrow("was not written by cordon, so its rules do not count");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(isWritten(here.state, file, readFileSync(file))).toBe(false);
    const trusted = (): boolean => true;
    expect(saveRule({ file, effect: "allow", rule: RULE, state: here.state, trusted })).toBe(true);
    expect(isWritten(here.state, file, readFileSync(file))).toBe(true);
  });

  it("that somebody else wrote to is no longer one's own", () => {
    const here = machine();
    save(here, local(here));
    writeFileSync(local(here), '{"permissions": {"allow": ["Bash"]}}');
    expect(() => save(here, local(here), "Bash(ls)")).toThrow("was not written by cordon");
  });

  it("put back to an older content is no longer one's own", () => {
    const here = machine();
    save(here, local(here), "Bash(a)");
    const older = readFileSync(local(here));
    save(here, local(here), "Bash(b)");
    expect(isWritten(here.state, local(here), older)).toBe(false);
  });
});

describe("the record of what cordon wrote", () => {
  const content = Buffer.from("{}");
  const record = ({ state }: Machine): string =>
    join(state, "written", readdirSync(join(state, "written"))[0] ?? "");
  it.each<[string, (here: Machine) => void]>([
    ["is missing", ({ state }) => rmSync(state, { recursive: true })],
    ["is open to others", ({ state }) => chmodSync(state, 0o755)],
    [
      "is a link",
      ({ state, top }) => {
        renameSync(state, join(top, "moved"));
        symlinkSync(join(top, "moved"), state);
      },
    ],
    ["is broken", (here) => writeFileSync(record(here), "{")],
    ["is of another shape", (here) => writeFileSync(record(here), '{"path": 1}')],
    ["is about another content", (here) => recordWritten(here.state, local(here), [Buffer.from("[]")])],
  ])("that %s proves nothing", (_name, change) => {
    const here = machine();
    const file = here.put(local(here), content);
    recordWritten(here.state, file, [content]);
    expect(isWritten(here.state, file, content)).toBe(true);
    change(here);
    expect(isWritten(here.state, file, content)).toBe(false);
  });

  it("is about the place: a copy elsewhere is not one's own", () => {
    const here = machine();
    const file = here.put(local(here), content);
    recordWritten(here.state, file, [content]);
    cpSync(join(here.root, ".claude"), join(here.root, "copy/.claude"), { recursive: true });
    expect(isWritten(here.state, join(here.root, "copy/.claude/settings.local.json"), content)).toBe(false);
    renameSync(
      record(here),
      join(
        here.state,
        "written",
        `${createHash("sha256")
          .update(join(here.root, "copy/.claude/settings.local.json"))
          .digest("hex")}.json`,
      ),
    );
    expect(isWritten(here.state, join(here.root, "copy/.claude/settings.local.json"), content)).toBe(false);
  });

  it("follows the place, not the name it was reached by", () => {
    const here = machine();
    const file = here.put(local(here), content);
    symlinkSync(here.root, join(here.home, "short"));
    recordWritten(here.state, join(here.home, "short/.claude/settings.local.json"), [content]);
    expect(isWritten(here.state, file, content)).toBe(true);
  });

  it.skipIf(!isRoot)("of somebody else proves nothing", () => {
    const here = machine();
    const file = here.put(local(here), content);
    recordWritten(here.state, file, [content]);
    chownSync(here.state, 12345, 12345);
    expect(isWritten(here.state, file, content)).toBe(false);
    expect(() => recordWritten(here.state, file, [content])).toThrow(SettingsFileError);
  });
});

describe("many at once", () => {
  const saving = (bundle: string, here: Machine, file: string, rules: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [bundle, "save", file, here.state, ...rules]);
      const out: string[] = [];
      child.stdout.on("data", (data: Buffer) => out.push(data.toString()));
      child.on("error", reject);
      child.on("close", () => resolve(out.join("").trim()));
    });

  it.each(["settings.json", "settings.local.json"])("lose no rule of %s", async (name) => {
    const here = machine();
    const bundle = await driver(here.top);
    const file = join(here.root, ".claude", name);
    const rules = Array.from({ length: 4 }, (_who, who) =>
      Array.from({ length: 8 }, (_, index) => `Bash(who${who} ${index})`),
    );
    const said = await Promise.all(rules.map((mine) => saving(bundle, here, file, mine)));
    expect(said).toEqual(["saved", "saved", "saved", "saved"]);
    const saved: unknown = JSON.parse(readFileSync(file, "utf8"));
    const allow: unknown = Object(Object(saved)["permissions"])["allow"];
    expect(Array.isArray(allow) && allow.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual(
      rules.flat().toSorted((a, b) => (a < b ? -1 : 1)),
    );
    expect(entries(file)).toEqual([name]);
    expect(readdirSync(join(here.state, "locks"))).toEqual([]);
  });

  it("a lock left behind by one that died is taken after a while", () => {
    const here = machine();
    save(here, shared(here), "Bash(a)");
    const lock = join(here.state, "locks", createHash("sha256").update(shared(here)).digest("hex"));
    writeFileSync(lock, "somebody");
    utimesSync(lock, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
    expect(save(here, shared(here), "Bash(b)")).toBe(true);
  });

  it("a lock that is held is waited for, and the rule is not saved past it", () => {
    const here = machine();
    save(here, shared(here), "Bash(a)");
    const before = readFileSync(shared(here), "utf8");
    writeFileSync(join(here.state, "locks", createHash("sha256").update(shared(here)).digest("hex")), "x");
    expect(() => save(here, shared(here), "Bash(b)")).toThrow("another cordon is changing it");
    expect(readFileSync(shared(here), "utf8")).toBe(before);
  });
});
