import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command as check } from "../../src/cli/check.ts";
import type { Terminal } from "../../src/cli/command.ts";
import { ANSWERS, ASK_KINDS, type Answerer } from "../../src/core/call/ask.ts";
import { CODES } from "../../src/core/call/codes.ts";
import { LAYERS } from "../../src/core/call/opinion.ts";

const root = resolve(import.meta.dirname, "../..");
const directory = join(root, "docs/codes");

/** How the table of asks calls each answerer. */
const PHRASES: Readonly<Record<Answerer, string>> = {
  "built-in": "the built-in silent set",
  rule: "an allow rule",
  "edit-rule": "a bare `Edit` rule",
  "path-rule": "a Read or Edit rule that names the path",
  hook: "a hook's allow",
  grant: "a grant of this session",
  acceptEdits: "acceptEdits",
  autoAllow: "`autoAllowBashIfSandboxed` in the sandbox",
  bypass: "bypassPermissions",
  "bypass-sandboxed": "bypassPermissions in the sandbox",
};

interface Example {
  /** As a person types it behind `cordon check`. */
  readonly line: string;
  /** What is printed, without the line of the reason. */
  readonly verdict: string;
  readonly place: string;
}

interface Entry {
  readonly code: string;
  readonly file: string;
  readonly text: string;
  readonly examples: readonly Example[];
}

const entries: readonly Entry[] = readdirSync(directory)
  .filter((file) => file.endsWith(".md") && file !== "README.md")
  .flatMap((file) =>
    readFileSync(join(directory, file), "utf8")
      .split(/^## /m)
      .slice(1)
      .map((text) => ({ code: text.split("\n")[0] ?? "", file, text, examples: examplesOf(text) })),
  );
const index = readFileSync(join(directory, "README.md"), "utf8");
const rows = [...index.matchAll(/^\| \[`([a-z.-]+)`\]\((\S+)\) +\| (.*?) +\| (.*?) +\| (.*?) +\|$/gm)].map(
  ([, code = "", target = "", title = "", layer = "", says = ""]) => ({ code, target, title, layer, says }),
);

function examplesOf(text: string): readonly Example[] {
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
    block
      .split(/^\$ cordon check /m)
      .slice(1)
      .map((run) => {
        const [line = "", verdict = "", , place = ""] = run.split("\n");
        return { line, verdict, place };
      }),
  );
}

/** What every page says of a code that `cordon check` has no way to give. */
const UNSHOWN = "`cordon check` cannot show it";

describe("the pages of reason codes", () => {
  it("have exactly one entry for each code, in the page of its family", () => {
    const found = entries.map(({ code, file }) => `${file} ${code}`);
    const wanted = Object.keys(CODES).map((code) => `${code.split(".")[0] ?? ""}.md ${code}`);
    expect(found.toSorted()).toEqual(wanted.toSorted());
  });

  it("say of each code what it does, and show it or say why not", () => {
    for (const { code, text, examples } of entries) {
      expect(text, code).toMatch(/^- Says: (?:allow|ask|deny)/m);
      expect(text, code).toMatch(/^- What /m);
      expect(examples.length > 0 || text.includes(UNSHOWN), code).toBe(true);
    }
  });

  it("have an index with the title of each code, in the order of the code", () => {
    expect(rows.map(({ code, title }) => [code, title])).toEqual(Object.entries(CODES));
    for (const { code, target, layer, says } of rows) {
      expect(target).toBe(`${code.split(".")[0] ?? ""}.md#${code.replaceAll(".", "")}`);
      for (const name of layer.split(", ")) expect(LAYERS).toContain(name);
      for (const [, kind = ""] of says.matchAll(/`([^`]+)`/g)) expect(ASK_KINDS).toContain(kind);
      expect(says, code).toMatch(/^(?:allow|deny|deny; ask `.*|ask `.*)$/);
    }
  });

  it("have the table of asks that the gate has", () => {
    for (const kind of ASK_KINDS) {
      const answerers = ANSWERS[kind].filter(
        (each) => each !== "bypass-sandboxed" || !ANSWERS[kind].includes("bypass"),
      );
      const wanted = answerers.length === 0 ? "nothing" : answerers.map((each) => PHRASES[each]).join(", ");
      const found = new RegExp(`^\\| \`${kind}\` +\\| (.*?) +\\|$`, "m").exec(index)?.[1];
      expect(found, kind).toBe(wanted);
    }
  });
});

describe("the examples in the pages of reason codes", () => {
  let place = "";

  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), "cordon-codes-"));
    for (const name of ["home", "outside", "project/src"]) mkdirSync(join(place, name), { recursive: true });
    const project = join(place, "project");
    execFileSync("git", ["init", "-q", "-b", "work", project]);
    writeFileSync(join(project, "src/app.ts"), "export {};\n");
    writeFileSync(join(project, "package.json"), '{"scripts": {"test": "true"}}\n');
    writeFileSync(join(project, ".env"), "KEY=not-a-real-key\n");
    writeFileSync(join(project, "Makefile"), "all:\n");
    writeFileSync(join(place, "outside/note.txt"), "a note\n");
    symlinkSync("../outside", join(project, "elsewhere"));
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  /** The first and the third line of what `cordon check` prints. */
  async function run(line: string): Promise<readonly (string | undefined)[]> {
    const quoted = execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" });
    let printed = "";
    const io: Terminal = {
      stdout: (text) => (printed += text),
      stderr: () => undefined,
      stdin: (async function* () {})(),
      env: {},
      cwd: () => join(place, "project"),
      home: join(place, "home"),
      isTerminal: false,
      interrupted: new AbortController().signal,
    };
    await check.run([...quoted.split("\0").slice(0, -1), "--no-ambient"], io);
    const [verdict, , where] = printed.split("\n");
    return [verdict, where];
  }

  for (const { code, text, examples } of entries) {
    for (const { line, verdict, place: where } of examples) {
      it(`${code}: ${line}`, async () => {
        expect(await run(line)).toEqual([verdict, where]);
        const [says = "", given] = verdict.split(/ +/);
        expect(given).toBe(code);
        const [, layer = "", kind] = /^ {2}layer (\S+) · mode \S+(?: · kind (\S+))?$/.exec(where) ?? [];
        const row = rows.find((each) => each.code === code);
        expect(row?.layer.split(", ")).toContain(layer);
        expect(row?.says).toContain(says);
        expect(text).toContain(says);
        if (says === "ask") expect(row?.says).toContain(`\`${kind ?? ""}\``);
      });
    }
  }
});

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["docs", "data", "bench"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:md|svg)$/.test(name))
      .map((name) => join(folder, name)),
  ),
];

describe("every page", () => {
  it.each(pages)("%s links to what is there", (page) => {
    const text = readFileSync(join(root, page), "utf8").replace(/^```[\s\S]*?^```$/gm, "");
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(
      ([, link, source]) => link ?? source ?? "",
    );
    const broken = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
      if (relative(root, file).startsWith("..") || !existsSync(file)) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)("%s names no path of the machine it was written on", (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const own = [`${root}/`, `${homedir()}/`, "/work/", "/root/", `${tmpdir()}/cordon-`];
    expect(own.filter((path) => path !== "//" && text.includes(path))).toEqual([]);
  });

  it("is looked at", () => expect(pages.length).toBeGreaterThan(20));
});

/** Anchors of a page's headings, as code hosts make them. */
function anchorsOf(file: string): ReadonlySet<string> {
  const headings = [...readFileSync(file, "utf8").matchAll(/^#{1,6} (.*)$/gm)].map(
    ([, heading = ""]) => heading,
  );
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
