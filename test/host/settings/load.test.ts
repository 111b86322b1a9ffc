import { execFileSync } from "node:child_process";
import {
  rmSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { Policy } from "../../../src/core/settings/policy.ts";
import type { SettingsSource } from "../../../src/core/settings/source.ts";
import { type LoadRequest, loadSources } from "../../../src/host/settings/load.ts";
import { managedDirectories } from "../../../src/host/settings/places.ts";
import { recordWritten } from "../../../src/host/settings/written.ts";
import { isRoot, type Machine, machine, nobodyOfTests } from "./machine.ts";

const deny = (rule: string): string => JSON.stringify({ permissions: { deny: [rule] } });

/** `scope file text`, files below the machine's root. */
function seen({ top }: Machine, sources: readonly SettingsSource[]): readonly string[] {
  return sources.map(({ scope, file, text, fault }) =>
    [scope, file?.replace(top, ""), text ?? `! ${fault?.replaceAll(top, "")}`].join(" "),
  );
}

function policyAt(request: LoadRequest): Policy {
  const { sources, fingerprint } = loadSources(request);
  return buildPolicy(sources, request, fingerprint);
}

describe("where settings are found", () => {
  it.skipIf(!isRoot)("in every scope, the highest first", () => {
    const here = machine();
    const files = [
      ["etc/cordon/managed-settings.d/20-b.json", "managed"],
      ["etc/cordon/managed-settings.d/10-a.json", "managed"],
      ["etc/cordon/managed-settings.json", "managed"],
      ["etc/claude-code/managed-settings.d/x.json", "managed"],
      ["etc/claude-code/managed-settings.json", "managed"],
      ["home/dev/app/.cordon/settings.local.json", "local"],
      ["home/dev/app/.claude/settings.local.json", "local"],
      ["home/dev/app/.cordon/settings.json", "project"],
      ["home/dev/app/.claude/settings.json", "project"],
      ["home/dev/.config/cordon/settings.json", "user"],
      ["home/dev/.claude/settings.json", "user"],
    ] as const;
    for (const [file] of files.toReversed()) here.put(join(here.top, file), `{"name": "${file}"}`);
    const { sources, looked } = loadSources(here.request());
    expect(seen(here, sources)).toEqual(
      files.map(([file, scope]) => `${scope} /${file} {"name": "${file}"}`),
    );
    for (const [file] of files) expect(looked).toContain(join(here.top, file));
    expect(
      sources.map(({ trusted, repository }) => (trusted ? "trusted" : "") + (repository ? "repository" : "")),
    ).toEqual([
      ...Array.from({ length: 5 }, () => "trusted"),
      ...Array.from({ length: 4 }, () => "repository"),
      "trusted",
      "trusted",
    ]);
  });

  it("nowhere on a machine without any", () => {
    const { sources, looked } = loadSources(machine().request());
    expect(sources).toEqual([]);
    expect(looked.length).toBeGreaterThanOrEqual(12);
  });

  it.skipIf(!isRoot)("drop-ins: hidden files and other names are passed over", () => {
    const here = machine();
    for (const name of [".hidden.json", "a.json.bak", "README", "b.json"]) {
      here.put(join(here.top, "etc/cordon/managed-settings.d", name), deny(name));
    }
    expect(seen(here, loadSources(here.request()).sources)).toEqual([
      `managed /etc/cordon/managed-settings.d/b.json ${deny("b.json")}`,
    ]);
  });

  it.skipIf(!isRoot)("the anchors of a leading slash and of relative paths", () => {
    const here = machine();
    const files = [".claude/settings.local.json", ".claude/settings.json"].map((name) =>
      join(here.root, name),
    );
    for (const file of [
      ...files,
      join(here.home, ".claude/settings.json"),
      join(here.top, "etc/cordon/managed-settings.json"),
    ])
      here.put(file, "{}");
    const given = here.put(join(here.top, "given/s.json"), "{}");
    const { sources } = loadSources(here.request({ cwd: join(here.root, "src"), settingsArg: given }));
    const places = sources.map(({ scope, anchor, base }) =>
      [scope, anchor.replace(here.top, ""), base.replace(here.top, "")].join(" "),
    );
    expect(places).toEqual([
      "managed /home/dev/app /home/dev/app",
      "command-line /given /given",
      "local /home/dev/app/src /home/dev/app",
      "project /home/dev/app /home/dev/app",
      "user /home/dev/.claude /home/dev/.claude",
    ]);
  });

  it.each([
    ["linux", "/etc/cordon", "/etc/claude-code"],
    ["freebsd", "/etc/cordon", "/etc/claude-code"],
    ["darwin", "/Library/Application Support/cordon", "/Library/Application Support/ClaudeCode"],
    ["win32", "C:\\Program Files\\cordon", "C:\\Program Files\\ClaudeCode"],
  ] as const)("managed directories of %s", (platform, ...directories) => {
    expect(managedDirectories(platform)).toEqual(directories);
  });
});

describe("the user's files", () => {
  it("CLAUDE_CONFIG_DIR takes the place of ~/.claude", () => {
    const here = machine();
    here.put(join(here.home, ".claude/settings.json"), deny("A"));
    here.put(join(here.top, "else/settings.json"), deny("B"));
    const { sources } = loadSources(here.request({ env: { CLAUDE_CONFIG_DIR: join(here.top, "else") } }));
    expect(seen(here, sources)).toEqual([`user /else/settings.json ${deny("B")}`]);
    expect(sources[0]).toMatchObject({ trusted: true, repository: false });
  });

  it.each(["conf", "./conf", "ABSOLUTE"])(
    "CLAUDE_CONFIG_DIR=%s inside the project is no better than the project",
    (name) => {
      const here = machine();
      here.put(join(here.home, ".claude/settings.json"), deny("A"));
      here.put(join(here.root, "conf/settings.json"), deny("B"));
      const dir = name === "ABSOLUTE" ? join(here.root, "conf") : name;
      const { sources } = loadSources(here.request({ env: { CLAUDE_CONFIG_DIR: dir } }));
      expect(sources.map(({ trusted, repository }) => [trusted, repository])).toEqual([
        [true, false],
        [false, true],
      ]);
      expect(seen(here, sources)).toEqual([
        `user /home/dev/.claude/settings.json ${deny("A")}`,
        `user /home/dev/app/conf/settings.json ${deny("B")}`,
      ]);
    },
  );

  it.each<readonly [string, (directory: string) => void]>([
    ["is not there", (directory) => rmSync(directory, { recursive: true })],
    ["is open to everybody", (directory) => chmodSync(directory, 0o777)],
    ...(isRoot
      ? [["is somebody else's", (directory: string) => chownSync(directory, nobodyOfTests(), 0)] as const]
      : []),
  ])("CLAUDE_CONFIG_DIR that %s does not take the place of ~/.claude", (_, change) => {
    const here = machine();
    here.put(join(here.home, ".claude/settings.json"), deny("A"));
    here.put(join(here.top, "else/settings.json"), deny("B"));
    change(join(here.top, "else"));
    const { sources } = loadSources(here.request({ env: { CLAUDE_CONFIG_DIR: join(here.top, "else") } }));
    expect(seen(here, sources)[0]).toBe(`user /home/dev/.claude/settings.json ${deny("A")}`);
    expect(sources.slice(1).every(({ trusted, repository }) => !trusted && repository)).toBe(true);
  });

  it.each<readonly [string, (here: Machine) => { readonly root: string; readonly named: string }]>([
    ["by a link to the project", (here) => ({ root: here.root, named: join(here.top, "link/conf") })],
    ["by a link into the project", (here) => ({ root: here.root, named: join(here.top, "into") })],
    [
      "from a project reached by a link",
      (here) => ({ root: join(here.top, "link"), named: join(here.root, "conf") }),
    ],
    [
      "elsewhere in the checkout",
      (here) => ({ root: join(here.root, "sub"), named: join(here.root, "conf") }),
    ],
  ])("CLAUDE_CONFIG_DIR %s is no better than the project", (_, at) => {
    const here = machine();
    here.put(join(here.root, ".git/HEAD"), "ref: refs/heads/main\n");
    here.put(join(here.root, "sub/a"), "");
    here.put(join(here.root, "conf/settings.json"), deny("B"));
    symlinkSync(here.root, join(here.top, "link"));
    symlinkSync(join(here.root, "conf"), join(here.top, "into"));
    const { root, named } = at(here);
    const { sources } = loadSources(here.request({ root, cwd: root, env: { CLAUDE_CONFIG_DIR: named } }));
    expect(sources.map(({ scope, trusted, repository }) => [scope, trusted, repository])).toEqual([
      ["user", false, true],
    ]);
  });

  it("a state directory in the project vouches for nothing, by whatever name", () => {
    const here = machine();
    const file = here.put(join(here.root, ".cordon/settings.local.json"), '{"permissions":{"allow":["A"]}}');
    const bytes = readFileSync(file);
    symlinkSync(here.root, join(here.top, "link"));
    const trusts = (state: string): boolean | undefined => {
      recordWritten(join(state, "cordon"), file, [bytes]);
      return loadSources(here.request({ env: { XDG_STATE_HOME: state } })).sources[0]?.trusted;
    };
    expect(trusts(join(here.top, "state"))).toBe(true);
    expect(trusts(join(here.root, "state"))).toBe(false);
    expect(trusts(join(here.top, "link/state"))).toBe(false);
  });

  it("in the home directory the file of the project is the file of the person", () => {
    const here = machine();
    here.put(join(here.home, ".claude/settings.json"), deny("A"));
    const { sources } = loadSources(here.request({ root: here.home, cwd: here.home }));
    expect(sources).toHaveLength(1);
    expect(sources[0]).toMatchObject({ scope: "user", trusted: true });
  });
});

describe("what is given", () => {
  it("JSON, or a file beside the current directory", () => {
    const here = machine();
    here.put(join(here.root, "s.json"), deny("A"));
    for (const settingsArg of ["s.json", ` ${deny("A")}`]) {
      const { sources } = loadSources(here.request({ settingsArg, ambient: false }));
      expect(sources).toHaveLength(1);
      expect(sources[0]).toMatchObject({
        scope: "command-line",
        trusted: true,
        repository: false,
        anchor: here.root,
      });
      expect(policyAt(here.request({ settingsArg, ambient: false })).rules[0]).toMatchObject({
        effect: "deny",
        tool: "A",
      });
    }
  });

  it("a file that is not there makes every call ask", () => {
    const here = machine();
    const policy = policyAt(here.request({ settingsArg: "none.json" }));
    expect(policy.problems[0]?.message).toContain("there is no such file");
    expect(policy.rules[0]).toMatchObject({ effect: "ask", tool: "*" });
    expect(policyAt(here.request({ managedArg: "none.json", ambient: false })).managed.stopped).toBeDefined();
  });

  it("managed settings count as managed only without the ambient ones", () => {
    const here = machine();
    const managedArg = '{"blockNetworkTools": true, "permissions": {"allow": ["Bash"], "deny": ["Edit"]}}';
    const alone = policyAt(here.request({ managedArg, ambient: false }));
    expect(alone.managed.blockNetworkTools).toBeDefined();
    expect(alone.rules.map(({ effect }) => effect)).toEqual(["allow", "deny"]);
    const beside = policyAt(here.request({ managedArg }));
    expect(beside.managed.blockNetworkTools).toBeUndefined();
    expect(beside.rules.map(({ effect }) => effect)).toEqual(["deny"]);
  });

  it("without ambient settings no file of the machine counts", () => {
    const here = machine();
    for (const file of [
      "etc/cordon/managed-settings.json",
      "home/dev/.claude/settings.json",
      "home/dev/app/.claude/settings.json",
    ]) {
      here.put(join(here.top, file), "{");
    }
    expect(loadSources(here.request({ ambient: false }))).toMatchObject({ sources: [], looked: [] });
  });
});

describe("trust", () => {
  const allow = '{"permissions": {"allow": ["Bash"]}}';
  it("a local file that cordon wrote is the person's own, until a byte of it changes", () => {
    const here = machine();
    const file = here.put(join(here.root, ".claude/settings.local.json"), allow);
    recordWritten(here.state, file, [Buffer.from(allow)]);
    expect(policyAt(here.request()).rules).toHaveLength(1);
    writeFileSync(file, `${allow} `);
    expect(policyAt(here.request())).toMatchObject({ rules: [], ignored: { rules: 1, files: [file] } });
  });

  it("a state directory inside the project proves nothing", () => {
    const here = machine();
    const file = here.put(join(here.root, ".claude/settings.local.json"), allow);
    const env = { XDG_STATE_HOME: join(here.root, "state") };
    recordWritten(join(here.root, "state/cordon"), file, [Buffer.from(allow)]);
    expect(policyAt(here.request({ env })).rules).toEqual([]);
  });

  it("a linked directory proves nothing", () => {
    const here = machine();
    const other = here.put(join(here.home, "other/.claude/settings.local.json"), allow);
    recordWritten(here.state, other, [Buffer.from(allow)]);
    symlinkSync(join(here.home, "other/.claude"), join(here.root, ".claude"));
    expect(policyAt(here.request()).rules).toEqual([]);
    expect(policyAt(here.request({ root: join(here.home, "other") })).rules).toHaveLength(1);
  });

  it("a trusted workspace makes its files count, and its local file one's own", () => {
    const here = machine();
    here.put(join(here.root, ".claude/settings.json"), allow);
    here.put(
      join(here.root, ".claude/settings.local.json"),
      '{"permissions": {"defaultMode": "acceptEdits"}}',
    );
    const asked: string[] = [];
    const trusted = (file: string, bytes: Uint8Array): boolean => asked.push(`${file} ${bytes.length}`) > 0;
    const policy = policyAt(here.request({ trusted }));
    expect(policy.rules).toHaveLength(1);
    expect(policy.mode.value).toBe("acceptEdits");
    expect(asked).toHaveLength(2);
    expect(policyAt(here.request()).mode.value).toBe("default");
  });
});

describe("names under which there is no readable file", () => {
  const cases: readonly (readonly [string, string, (path: string) => void])[] = [
    ["a directory", "is a directory, not a file", (path) => mkdirSync(path)],
    ["a link to nowhere", "is a link that leads nowhere", (path) => symlinkSync("/nonexistent/x", path)],
    ["a link to itself", "links run in a circle", (path) => symlinkSync(path, path)],
    ["a pipe", "is no regular file", (path) => execFileSync("mkfifo", [path])],
    ["a device", "is no regular file", (path) => symlinkSync("/dev/zero", path)],
    [
      "a file of 21 MB",
      "is larger than 20 MB",
      (path) => (writeFileSync(path, ""), truncateSync(path, 21 * 1024 * 1024)),
    ],
    ["UTF-16", "is not written in UTF-8", (path) => writeFileSync(path, Buffer.from("\uFEFF{}", "utf16le"))],
    [
      "a broken character",
      "is not written in UTF-8",
      (path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d])),
    ],
    ["nothing", "the file is empty", (path) => writeFileSync(path, "")],
    ["half a file", "a closing brace is missing", (path) => writeFileSync(path, '{"permissions": {')],
  ];
  const places = (
    [
      ["user", "home/dev/.claude/settings.json"],
      ["project", "home/dev/app/.cordon/settings.json"],
      ["local", "home/dev/app/.claude/settings.local.json"],
      ["managed", "etc/cordon/managed-settings.json"],
      ["managed", "etc/claude-code/managed-settings.d/a.json"],
    ] as const
  ).filter(([scope]) => isRoot || scope !== "managed");
  it.each(
    cases.flatMap(([name, message, make]) =>
      places.map(([scope, file]) => [name, scope, file, message, make] as const),
    ),
  )("%s as %s file %s", (_name, scope, file, message, make) => {
    const here = machine();
    const path = here.put(join(here.top, file, "../other"), "") && join(here.top, file);
    make(path);
    const policy = policyAt(here.request());
    expect(policy.problems).toHaveLength(1);
    expect(policy.problems[0]).toMatchObject({ severity: "error", file: path });
    const isLink = scope === "managed" && /link|device/.test(_name);
    expect(policy.problems[0]?.message).toContain(isLink ? "is a link" : message);
    expect(policy.rules).toContainEqual(expect.objectContaining({ effect: "ask", tool: "*", file: path }));
    expect(policy.managed.stopped !== undefined).toBe(scope === "managed");
  });

  it("a settings directory that is a link to nowhere", () => {
    const here = machine();
    symlinkSync("/nonexistent", join(here.root, ".claude"));
    expect(policyAt(here.request()).problems.map(({ message }) => message)).toEqual([
      expect.stringContaining("a link that leads nowhere"),
      expect.stringContaining("a link that leads nowhere"),
    ]);
  });

  it("a settings directory that is a file holds no settings", () => {
    const here = machine();
    here.put(join(here.root, ".claude"), "x");
    expect(loadSources(here.request()).sources).toEqual([]);
  });

  it("a linked user file counts", () => {
    const here = machine();
    const file = here.put(join(here.home, "dotfiles/s.json"), deny("A"));
    mkdirSync(join(here.home, ".claude"));
    symlinkSync(file, join(here.home, ".claude/settings.json"));
    expect(policyAt(here.request()).rules).toHaveLength(1);
  });
});

describe.skipIf(!isRoot)("managed files that are not the administrator's alone", () => {
  const base = "etc/cordon/managed-settings.json";
  const cases: readonly (readonly [string, string, (here: Machine) => void])[] = [
    [
      "a file of somebody else",
      "does not belong to root",
      ({ top }) => chownSync(join(top, base), nobodyOfTests(), 0),
    ],
    [
      "a file the group may write",
      "may be written by others",
      ({ top }) => chmodSync(join(top, base), 0o664),
    ],
    ["a file all may write", "may be written by others", ({ top }) => chmodSync(join(top, base), 0o646)],
    [
      "a directory of somebody else",
      "does not belong to root",
      ({ top }) => chownSync(join(top, "etc/cordon"), nobodyOfTests(), 0),
    ],
    [
      "a directory all may write",
      "may be written by others",
      ({ top }) => chmodSync(join(top, "etc/cordon"), 0o777),
    ],
    [
      "a directory all may write, with the sticky bit",
      "may be written by others",
      ({ top }) => chmodSync(join(top, "etc"), 0o1777),
    ],
    [
      "a parent of somebody else",
      "does not belong to root",
      ({ top }) => chownSync(join(top, "etc"), nobodyOfTests(), 0),
    ],
  ];
  it.each(cases)("%s", (_name, message, make) => {
    const here = machine();
    here.put(join(here.top, base), deny("A"));
    expect(policyAt(here.request()).managed.stopped).toBeUndefined();
    make(here);
    const policy = policyAt(here.request());
    expect(policy.managed.stopped?.message).toContain(message);
  });

  it("a drop-in directory all may write, also while it is empty", () => {
    const here = machine();
    mkdirSync(join(here.top, "etc/cordon/managed-settings.d"), { recursive: true });
    chmodSync(join(here.top, "etc/cordon/managed-settings.d"), 0o777);
    expect(policyAt(here.request()).managed.stopped?.message).toContain("may be written by others");
  });

  it("a drop-in directory that is a file, or a link", () => {
    for (const make of [
      (path: string) => writeFileSync(path, ""),
      (path: string) => symlinkSync("/tmp", path),
    ]) {
      const here = machine();
      mkdirSync(join(here.top, "etc/cordon"), { recursive: true });
      make(join(here.top, "etc/cordon/managed-settings.d"));
      expect(policyAt(here.request()).managed.stopped).toBeDefined();
    }
  });

  it("a linked directory", () => {
    const here = machine();
    here.put(join(here.top, "opt/managed-settings.json"), deny("A"));
    mkdirSync(join(here.top, "etc"));
    symlinkSync(join(here.top, "opt"), join(here.top, "etc/cordon"));
    expect(policyAt(here.request()).managed.stopped?.message).toContain("is a link");
  });
});

describe("a managed list of the only MCP servers", () => {
  it.each(['{"mcpServers": {}}', '{"mcpServers": {"a": {"command": "a"}}}', "broken"])(
    "admits none, because a name does not say which server it is (%s)",
    (text) => {
      const here = machine();
      const file = here.put(join(here.top, "etc/claude-code/managed-mcp.json"), text);
      expect(policyAt(here.request()).servers).toMatchObject([{ names: [], origin: { file } }]);
    },
  );
});

describe("the fingerprint", () => {
  it("changes with every byte, scope, name and trust, and with nothing else", () => {
    const here = machine();
    const file = here.put(join(here.root, ".claude/settings.json"), deny("A"));
    const print = (more?: Partial<LoadRequest>): string => loadSources(here.request(more)).fingerprint;
    const first = print();
    expect(print()).toBe(first);
    expect(print({ cwd: join(here.root, "src") })).toBe(first);
    const others = [
      print({ trusted: () => true }),
      print({ settingsArg: "{}" }),
      print({ settingsArg: "{} " }),
      print({ ambient: false }),
      (writeFileSync(file, deny("B")), print()),
      (here.put(join(here.root, ".cordon/settings.json"), deny("A")), print()),
    ];
    expect(new Set([first, ...others]).size).toBe(7);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a session started further down in a checkout", () => {
  const top = (at: Machine, rule: string): string =>
    at.put(
      join(at.root, ".claude/settings.json"),
      JSON.stringify({ permissions: { deny: [rule], allow: ["Bash(ls)"] } }),
    );
  const below = (at: Machine): Partial<LoadRequest> => {
    const directory = join(at.root, "packages/one");
    mkdirSync(directory, { recursive: true });
    return { root: directory, cwd: directory };
  };

  it("is under what the top of the checkout denies, and gets nothing that it allows", () => {
    const at = machine();
    const file = top(at, "Bash(touch *)");
    mkdirSync(join(at.root, ".git"));
    const { sources, looked } = loadSources(at.request(below(at)));
    expect(sources).toMatchObject([
      { scope: "project", file, trusted: false, repository: true, anchor: at.root, base: at.root },
    ]);
    expect(looked).toContain(file);
  });

  it("has what cordon wrote at the top for the person, anchored there, until a byte of it changes", () => {
    const at = machine();
    mkdirSync(join(at.root, ".git"));
    const allow = '{"permissions": {"allow": ["Bash(ls)"]}}';
    const file = at.put(join(at.root, ".cordon/settings.local.json"), allow);
    const request = at.request(below(at));
    const source = { scope: "local", file, anchor: at.root, base: at.root };
    expect(loadSources(request).sources).toMatchObject([{ ...source, trusted: false, repository: true }]);
    recordWritten(at.state, file, [Buffer.from(allow)]);
    expect(loadSources(request).sources).toMatchObject([{ ...source, trusted: true, repository: false }]);
    writeFileSync(file, `${allow} `);
    expect(policyAt(request)).toMatchObject({ rules: [], ignored: { rules: 1, files: [file] } });
  });

  it("believes no state directory that lies elsewhere in the checkout", () => {
    const at = machine();
    mkdirSync(join(at.root, ".git"));
    const allow = '{"permissions": {"allow": ["Bash(ls)"]}}';
    const file = at.put(join(at.root, ".cordon/settings.local.json"), allow);
    recordWritten(join(at.root, "state/cordon"), file, [Buffer.from(allow)]);
    const env = { XDG_STATE_HOME: join(at.root, "state") };
    expect(policyAt(at.request({ ...below(at), env })).rules).toEqual([]);
  });

  it("is not, where there is no checkout, or one around the home directory", () => {
    const at = machine();
    top(at, "Bash(touch *)");
    expect(loadSources(at.request(below(at))).sources).toEqual([]);
    mkdirSync(join(at.home, ".git"));
    expect(loadSources(at.request(below(at))).sources).toEqual([]);
  });

  it("counts a file once where the session starts at the top", () => {
    const at = machine();
    top(at, "Bash(touch *)");
    mkdirSync(join(at.root, ".git"));
    expect(loadSources(at.request()).sources).toHaveLength(1);
  });

  it("asks about everything where the checkout cannot be looked at", () => {
    const at = machine();
    const loop = join(at.root, "loop");
    symlinkSync(loop, loop);
    const { sources } = loadSources(at.request({ root: join(loop, "x"), cwd: join(loop, "x") }));
    expect(sources.at(-1)).toMatchObject({
      scope: "project",
      trusted: false,
      fault: expect.stringContaining("the checkout it lies in cannot be looked at"),
    });
  });
});
