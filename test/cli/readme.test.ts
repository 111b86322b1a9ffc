import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, program } from "./program.ts";
import { type Scene, scene } from "./scene.ts";

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const example = /<!-- example: test\/readme-example -->\s+```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";

/** A project that depends on cordon as a package, with the example as its program. */
function consumer(source: string): Scene {
  const at = scene();
  const put = (name: string, text: string): string => at.put(`home/app/${name}`, text);
  put("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
  put("main.ts", source);
  mkdirSync(join(at.project, "node_modules/@types"), { recursive: true });
  symlinkSync(ROOT, join(at.project, "node_modules/cordon"));
  symlinkSync(join(ROOT, "node_modules/@types/node"), join(at.project, "node_modules/@types/node"));
  return at;
}

/** What the compiler says about a consumer. */
function compile(at: Scene, options: object): string {
  const tsconfig = {
    compilerOptions: {
      target: "es2023",
      lib: ["es2023"],
      types: ["node"],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      outDir: "out",
      rootDir: ".",
      ...options,
    },
    files: ["main.ts"],
  };
  writeFileSync(join(at.project, "tsconfig.json"), JSON.stringify(tsconfig));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", "."], {
    cwd: at.project,
    encoding: "utf8",
  });
  return status === 0 ? "" : stdout;
}

const RESOLUTIONS = [
  ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
  ["node16", { module: "node16", moduleResolution: "node16" }],
  ["bundler", { module: "esnext", moduleResolution: "bundler" }],
] as const;

describe("the example in the README", () => {
  it("is about fifteen lines", () => {
    const lines = example.split("\n").filter((line) => line.trim() !== "");
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThanOrEqual(15);
  });

  it.each(RESOLUTIONS)(
    "is well typed for a consumer with %s, down to the library's own types",
    (_name, options) => {
      expect(compile(consumer(example), options)).toBe("");
      expect(compile(consumer(`${example}\ngate.decide({ tool: 1, input: {} });\n`), options)).toContain(
        "TS2322",
      );
    },
  );

  it("prints what it promises, and runs its command in the sandbox", () => {
    const at = consumer(example);
    expect(compile(at, RESOLUTIONS[0][1])).toBe("");
    const { status, out, err } = program([process.execPath, "out/main.js"], { cwd: at.project, env: at.env });
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const [first, second, third, ...rest] = out.trimEnd().split("\n");
    expect(first).toMatch(/^deny rule\.deny /);
    expect(second).toBe("deny git.force-push-protected overwrites `main` on the remote");
    expect(third).toMatch(/^ask cmd\.runs-code /);
    expect(rest).toEqual(["hello from the sandbox", "status 0"]);
  });
});

describe("every door of the package", () => {
  const doors = Object.keys(
    (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly exports: object }).exports,
  ).filter((door) => door !== "./package.json");
  const names = doors.map((door) => `cordon${door.slice(1)}`);
  const source = `${names.map((name, at) => `import * as door${at} from ${JSON.stringify(name)};`).join("\n")}
const doors: readonly object[] = [${names.map((_, at) => `door${at}`).join(", ")}];
console.log(doors.map((door) => Object.keys(door).length > 0).join(" "));
`;

  it.each(RESOLUTIONS)("is well typed for a consumer with %s, and opens", (_name, options) => {
    const at = consumer(source);
    expect(names).toContain("cordon/sandbox");
    expect(compile(at, options)).toBe("");
    const { out } = program([process.execPath, "out/main.js"], { cwd: at.project, env: at.env });
    expect(out.trim()).toBe(names.map(() => "true").join(" "));
  });
});
