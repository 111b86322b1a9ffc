import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, describe, expect, it, onTestFinished } from "vitest";
import { isWritten, recordWritten } from "../../src/host/settings/written.ts";
import { cordon } from "./program.ts";
import { type Screen, type Step, onTerminal } from "./pty.ts";
import { type Scene, scene } from "./scene.ts";

/** Says always and yes, and looks at the file just before the yes. */
const always = (file: string): readonly Step[] => [
  { expect: "answer [d]: ", send: "A\r" },
  { expect: "save this? [y/N]: ", look: file, send: "y\r" },
];
const run = (at: Scene, words: readonly string[], steps: readonly Step[]): Promise<Screen> =>
  onTerminal(["run", "--", ...words], steps, { cwd: at.project, env: at.env, columns: 200 });
const local = (at: Scene): string => join(at.project, ".cordon/settings.local.json");
const state = (at: Scene): string => join(at.home, ".local/state/cordon");

/** The file as cordon itself might have left it, and a person changed the layout since. */
const own = (at: Scene, content: string): string => {
  const file = at.put("home/app/.cordon/settings.local.json", content, 0o600);
  recordWritten(state(at), file, [Buffer.from(content)]);
  return file;
};

describe("always", () => {
  it("shows the exact rule and file, saves it only then, and holds from then on", async () => {
    const at = scene();
    const file = local(at);
    const { status, screen, looks } = await run(at, ["touch", "ran"], always(file));
    expect({ status, looks }).toEqual({ status: 0, looks: [null] });
    expect(screen).toContain(`  ${file}\r\n  permissions.allow + "Bash(touch ran)"\r\nsave this? [y/N]: `);
    expect(readFileSync(file, "utf8")).toBe(
      '{\n  "permissions": {\n    "allow": [\n      "Bash(touch ran)"\n    ]\n  }\n}\n',
    );
    expect(readdirSync(join(at.project, ".cordon"))).toEqual([".gitignore", "settings.local.json"]);
    const again = (...words: readonly string[]): unknown =>
      cordon(["run", "--", ...words], { cwd: at.project, env: at.env });
    expect(again("touch", "ran")).toEqual({ status: 0, out: "", err: "" });
    expect(again("touch", "other")).toMatchObject({ status: 126 });
  });

  it("lets the person choose between narrow and wide, and shows what was chosen", async () => {
    const at = scene();
    at.put("home/app/package.json", '{"scripts": {"test": "true"}}');
    const wide: readonly Step[] = [
      { expect: "answer [d]: ", send: "A\r" },
      { expect: "which one? [1]: ", send: "2\r" },
      { expect: "save this? [y/N]: ", send: "y\r" },
    ];
    const { screen } = await run(at, ["npm", "test"], wide);
    expect(screen).toContain("  1  Bash(npm test)\r\n  2  Bash(npm test *)\r\nwhich one? [1]: ");
    expect(screen).toContain('permissions.allow + "Bash(npm test *)"\r\n');
    expect(readFileSync(local(at), "utf8")).toContain('"Bash(npm test *)"');
    const third = scene();
    third.put("home/app/package.json", '{"scripts": {"test": "true"}}');
    const wrong: readonly Step[] = [
      { expect: "answer [d]: ", send: "A\r" },
      { expect: "which one? [1]: ", send: "3\r" },
      { expect: "nothing was saved", send: "" },
      { expect: "answer [d]: ", send: "d\r" },
    ];
    expect((await run(third, ["npm", "test"], wrong)).status).toBe(126);
    expect(existsSync(local(third))).toBe(false);
  });

  it("saves all rules a compound command needs, each shown", async () => {
    const at = scene();
    const { screen } = await run(at, ["touch ran && cp ran copy"], always(local(at)));
    const shown = 'permissions.allow + "Bash(touch ran)"\r\n  permissions.allow + "Bash(cp ran copy)"\r\n';
    expect(screen).toContain(shown);
    const saved: unknown = JSON.parse(readFileSync(local(at), "utf8"));
    expect(saved).toEqual({ permissions: { allow: ["Bash(touch ran)", "Bash(cp ran copy)"] } });
  });

  const LAYOUTS: readonly (readonly [string, string, string])[] = [
    [
      "comments, order and a trailing comma",
      '// mine\n{\n\t"cordon": {"approvalTimeout": 60}, /* why */\n\t"permissions": {\n\t\t"deny": ["Read(x)"],\n\t\t"allow": [\n\t\t\t"Bash(make *)", // builds\n\t\t],\n\t},\n}\n// end',
      '// mine\n{\n\t"cordon": {"approvalTimeout": 60}, /* why */\n\t"permissions": {\n\t\t"deny": ["Read(x)"],\n\t\t"allow": [\n\t\t\t"Bash(make *)", // builds\n\t\t\t"Bash(touch ran)",\n\t\t],\n\t},\n}\n// end',
    ],
    [
      "CRLF line ends and a byte order mark",
      '\uFEFF{\r\n    "permissions": {\r\n        "allow": [\r\n            "Bash(make *)"\r\n        ]\r\n    }\r\n}\r\n',
      '\uFEFF{\r\n    "permissions": {\r\n        "allow": [\r\n            "Bash(make *)",\r\n            "Bash(touch ran)"\r\n        ]\r\n    }\r\n}\r\n',
    ],
    [
      "one line without an end",
      '{"permissions":{"allow":[]},"model":"x"}',
      '{"permissions":{"allow":["Bash(touch ran)"]},"model":"x"}',
    ],
  ];
  it.each(LAYOUTS)("leaves every byte that stood there: %s", async (_name, before, after) => {
    const at = scene();
    const file = own(at, before);
    const { status, looks } = await run(at, ["touch", "ran"], always(file));
    expect({ status, looks }).toEqual({ status: 0, looks: [before] });
    expect(readFileSync(file, "utf8")).toBe(after);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(isWritten(state(at), file, readFileSync(file))).toBe(true);
  });

  it.each<readonly [string, (at: Scene, file: string) => unknown, string]>([
    [
      "came with the repository",
      (at) => at.put("home/app/.cordon/settings.local.json", "{}\n"),
      "was not written by cordon",
    ],
    [
      "is a link",
      (at, file) => {
        mkdirSync(join(at.project, ".cordon"));
        symlinkSync(at.put("elsewhere.json", "{}\n"), file);
      },
      "is a link",
    ],
  ])("does not touch a file that %s, and says so; the command was allowed once", async (_name, make, why) => {
    const at = scene();
    make(at, local(at));
    const tree = (): string =>
      spawnSync("find", [at.project, "-name", "*.json", "-ls"], { encoding: "utf8" }).stdout;
    const before = tree();
    const { status, screen } = await run(at, ["touch", "ran"], always(join(at.top, "none")));
    expect(status).toBe(0);
    expect(screen).toContain("cordon: `Bash(touch ran)` could not be kept: ");
    expect(screen).toContain(why);
    expect(tree()).toBe(before);
    expect(
      existsSync(join(at.top, "elsewhere.json"))
        ? readFileSync(join(at.top, "elsewhere.json"), "utf8")
        : "{}\n",
    ).toBe("{}\n");
    expect(existsSync(join(at.project, "ran"))).toBe(true);
  });

  it("said by several at once loses no rule", async () => {
    const at = scene();
    const names = ["one", "two", "three", "four"];
    const done = await Promise.all(names.map((name) => run(at, ["touch", name], always(local(at)))));
    expect(done.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    const saved: { readonly permissions: { readonly allow: readonly string[] } } = JSON.parse(
      readFileSync(local(at), "utf8"),
    );
    expect([...saved.permissions.allow].sort()).toEqual(names.map((name) => `Bash(touch ${name})`).sort());
    expect(readdirSync(join(at.project, ".cordon"))).toEqual([".gitignore", "settings.local.json"]);
  });

  it("on a full disk loses nothing, and says so", async (context) => {
    const at = scene();
    const disk = fullDisk(at, context);
    const file = own(at, '{\n  "permissions": {"deny": ["Read(x)"]} // kept\n}\n');
    const before = readFileSync(file, "utf8");
    disk.fill();
    const { status, screen } = await run(at, ["chmod", "600", "file"], always(file));
    expect(screen).toContain("could not be kept: ");
    expect(screen).toContain("the disk is full");
    expect(status).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(readdirSync(join(at.project, ".cordon"))).toEqual(["settings.local.json"]);
    expect(isWritten(state(at), file, Buffer.from(before))).toBe(true);
    disk.empty();
    expect((await run(at, ["chmod", "600", "file"], always(file))).status).toBe(0);
    expect(readFileSync(file, "utf8")).toContain('"Bash(chmod 600 file)"');
    expect(readFileSync(file, "utf8")).toContain("// kept");
  });
});

/** Makes the project a file system of 64 kB with a file in it. */
function fullDisk(
  at: Scene,
  context: TestContext,
): { readonly fill: () => void; readonly empty: () => void } {
  const options = ["-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", at.project];
  if (spawnSync("mount", options).status !== 0) {
    console.warn("SKIPPED: no file system can be mounted here, so a full disk cannot be tried");
    context.skip();
  }
  onTestFinished(() => void spawnSync("umount", ["--lazy", at.project]));
  at.put("home/app/file", "");
  const filler = join(at.project, "filler");
  return {
    fill: () => void spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=1k", "count=64"]),
    empty: () => void spawnSync("rm", [filler]),
  };
}
