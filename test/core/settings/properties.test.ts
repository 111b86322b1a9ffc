import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { atLeastAsStrict } from "../../../src/core/call/mode.ts";
import { LOWEST_RUNG, type Policy, RUNGS } from "../../../src/core/settings/policy.ts";
import { KEYS } from "../../../src/core/settings/settings.gen.ts";
import type { SettingsSource } from "../../../src/core/settings/source.ts";
import { KINDS, type Kind, policyOf, source, unreadable } from "./sources.ts";

const rule = fc.oneof(
  fc.constantFrom(
    "Bash",
    "Bash(rm *)",
    "Bash(npm test)",
    "Read(.env)",
    "Edit(/src/**)",
    "WebFetch(domain:a.b)",
    "mcp__s__t",
    "Bsh(x)",
    "*",
    "Bash(",
    "",
  ),
  fc.record(
    {
      tool: fc.constantFrom("Bash", "Edit", ""),
      pattern: fc.constantFrom("x*", "/etc", ""),
      scope: fc.constantFrom("project", "global", "odd"),
    },
    { requiredKeys: [] },
  ),
  fc.string(),
);

/** Values that people write, and some that they do not mean to. */
function valueFor(path: string): fc.Arbitrary<unknown> {
  const shape = KEYS.get(path)?.shape;
  const odd = fc.constantFrom<unknown>(null, 1, "x", [], {}, true);
  if (/allow|deny|ask|Tools$/.test(path))
    return fc.oneof(
      fc.array(rule, { maxLength: 4 }),
      fc.constantFrom<unknown>("Bash(rm *)", true, false, "disable", ["/x", "~/y", "~z"]),
      odd,
    );
  if (shape === "boolean") return fc.oneof(fc.boolean(), odd);
  if (typeof shape === "object" && "oneOf" in shape) return fc.oneof(fc.constantFrom(...shape.oneOf), odd);
  if (typeof shape === "object" && "min" in shape) return fc.oneof(fc.integer({ min: 1, max: 2_000 }), odd);
  return fc.oneof(
    fc.array(fc.constantFrom("/x", "~/y", "a/*", "!b", "~c", "", "h.example"), { maxLength: 3 }),
    fc.constantFrom("64G", "1M", "/x"),
    odd,
  );
}

const settings = fc
  .array(
    fc.constantFrom(...KEYS.keys()).chain((path) => fc.tuple(fc.constant(path), valueFor(path))),
    { maxLength: 6 },
  )
  .map((pairs) => {
    const root: Record<string, unknown> = {};
    for (const [path, value] of pairs) place(root, path.split("."), value);
    return JSON.stringify(root, undefined, 1);
  });

function place(into: Record<string, unknown>, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) into[name] = value;
  else {
    const inner = into[name];
    const next: Record<string, unknown> = typeof inner === "object" && inner !== null ? { ...inner } : {};
    place(next, rest, value);
    into[name] = next;
  }
}

/** Also texts with keys twice, cut off, or not JSON at all. */
const text = fc.oneof(
  { weight: 6, arbitrary: settings },
  {
    weight: 1,
    arbitrary: fc
      .tuple(settings, settings)
      .map(([a, b]) => (a === "{}" || b === "{}" ? a : `${a.trimEnd().slice(0, -1)},${b.slice(1)}`)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(settings, fc.nat()).map(([all, cut]) => all.slice(0, cut % (all.length + 1))),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
);
const anySource = (kinds: readonly Kind[]): fc.Arbitrary<SettingsSource> =>
  fc
    .constantFrom(...kinds)
    .chain((kind) =>
      fc.oneof(
        { weight: 9, arbitrary: text.map((each) => source(kind, each, `/${kind}.json`)) },
        { weight: 1, arbitrary: fc.constant(unreadable(kind, "permission denied")) },
      ),
    );
const sources = fc.array(anySource(KINDS), { maxLength: 4 });

const key = (rule_: Policy["rules"][number]): string => JSON.stringify(rule_);
const tightening = (policy: Policy): readonly string[] =>
  policy.rules.filter(({ effect }) => effect !== "allow").map(key);
const opening = (policy: Policy): readonly string[] => [
  ...policy.rules.filter(({ effect }) => effect === "allow").map(key),
  ...policy.directories.map((path) => `directory ${path}`),
  ...policy.sandbox.allowWrite.map((path) => `write ${path}`),
  ...policy.sandbox.allowRead.map((path) => `read ${path}`),
  ...policy.sandbox.allowedDomains.map((host) => `host ${host}`),
  ...(policy.sandbox.enabled ? [] : ["no sandbox"]),
  ...(policy.sandbox.failIfUnavailable ? [] : ["no sandbox needed"]),
  ...(policy.sandbox.autoAllowBashIfSandboxed ? ["auto-allow"] : []),
  ...(policy.sandbox.allowUnsandboxedCommands ? ["unsandboxed"] : []),
  ...RUNGS.slice(0, RUNGS.indexOf(policy.sandbox.lowestRung ?? LOWEST_RUNG) + 1).map(
    (rung) => `rung ${rung}`,
  ),
  ...(policy.cordon.audit.required ? [] : ["no audit needed"]),
  ...(policy.cordon.hook.autoApprove ? ["auto-approve"] : []),
  ...(policy.mode.bypassDisabled ? [] : ["bypass possible"]),
  ...(policy.mode.denyInsteadOfPrompting ? [] : ["asks"]),
  ...(policy.limitsOfPaths.blockReadsOutside ? [] : ["reads outside"]),
  ...(policy.limitsOfPaths.blockWritesOutside ? [] : ["writes outside"]),
  ...(policy.managed.blockNetworkTools ? [] : ["network tools"]),
  ...(policy.managed.requireReadFirst ? [] : ["unread edits"]),
  ...(policy.managed.stopped ? [] : ["goes on"]),
];
const limits = (policy: Policy): readonly number[] =>
  Object.entries({
    memory: 4096 * 2 ** 20,
    processes: 1000,
    fileSize: 2048 * 2 ** 20,
    openFiles: 4096,
    temporary: 1024 * 2 ** 20,
    time: Infinity,
  }).map(
    ([name, value]) => Object.entries(policy.cordon.limits).find(([each]) => each === name)?.[1] ?? value,
  );

/** `after` opens nothing that `before` does not, and closes all that `before` closes. */
function expectAtLeastAsStrict(after: Policy, before: Policy): void {
  expect(opening(before)).toEqual(expect.arrayContaining([...opening(after)]));
  expect(tightening(after)).toEqual(expect.arrayContaining([...tightening(before)]));
  expect(atLeastAsStrict(after.mode.value, before.mode.value)).toBe(true);
  for (const [index, value] of limits(before).entries())
    expect(limits(after)[index]).toBeLessThanOrEqual(value);
  for (const list of ["denyRead", "denyWrite", "deniedDomains"] as const) {
    expect(after.sandbox[list]).toEqual(expect.arrayContaining([...before.sandbox[list]]));
  }
  for (const list of ["protectedPaths", "runsLater", "secretPaths"] as const) {
    expect(after.limitsOfPaths[list]).toEqual(expect.arrayContaining([...before.limitsOfPaths[list]]));
  }
  expect(after.managed.notEnforced).toEqual(expect.arrayContaining([...before.managed.notEnforced]));
}

describe("settings", () => {
  it("never throw", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            sources,
            fc.string({ unit: "binary" }).map((raw) => [source("user", raw), source("managed", raw)]),
          ),
        ),
        (many) => {
          policyOf(...many.flat());
        },
      ),
      { numRuns: 400 },
    );
  });

  it("an untrusted file never relaxes anything", () => {
    fc.assert(
      fc.property(sources, anySource(["project", "local-repo"]), fc.nat(4), (others, own, at) => {
        expectAtLeastAsStrict(
          policyOf(...others.slice(0, at), own, ...others.slice(at)),
          policyOf(...others),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("a file that becomes untrusted never relaxes anything", () => {
    fc.assert(
      fc.property(
        sources,
        fc.constantFrom("project-trusted" as const, "local" as const),
        text,
        (others, kind, own) => {
          const free = others.filter(({ scope }) => scope !== "managed");
          const without = policyOf(...free, source(kind === "local" ? "local-repo" : "project", own, "/x"));
          const trusted = policyOf(...free, source(kind, own, "/x"));
          expect(without.rules.filter(({ effect }) => effect === "allow").length).toBeLessThanOrEqual(
            trusted.rules.filter(({ effect }) => effect === "allow").length,
          );
          expect(tightening(without).length).toBeGreaterThanOrEqual(tightening(trusted).length);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("a deny rule more takes no other rule away", () => {
    fc.assert(
      fc.property(
        sources,
        fc.constantFrom(...KINDS),
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("deny", "ask"),
        (others, kind, rules, effect) => {
          const before = policyOf(...others);
          const after = policyOf(
            ...others,
            source(kind, { permissions: { [effect]: rules } }, "/added.json"),
          );
          expect(after.rules.map(key)).toEqual(expect.arrayContaining(before.rules.map(key)));
          // A rule of any text tightens something.
          expect(tightening(after).length).toBeGreaterThan(tightening(before).length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("a managed file more relaxes no lock, and cutting any file short relaxes nothing that denies", () => {
    fc.assert(
      fc.property(sources, text, (others, more) => {
        const before = policyOf(...others);
        const after = policyOf(...others, source("managed", more, "/more.json"));
        expect(tightening(after)).toEqual(expect.arrayContaining([...tightening(before)]));
        for (const lock of [
          "blockNetworkTools",
          "requireReadFirst",
          "onlyManagedRules",
          "stopped",
        ] as const) {
          if (before.managed[lock]) expect(after.managed[lock], lock).toBeDefined();
        }
        if (before.mode.bypassDisabled) expect(after.mode.bypassDisabled).toBeDefined();
        if (before.mode.enforced)
          expect(
            after.mode.enforced && atLeastAsStrict(after.mode.enforced.mode, before.mode.enforced.mode),
          ).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("the order of the files matters only within a scope", () => {
    const apart = fc.uniqueArray(anySource(KINDS), { maxLength: 5, selector: ({ scope }) => scope });
    fc.assert(
      fc.property(apart, (some) => {
        expect(policyOf(...some.toReversed())).toEqual(policyOf(...some));
      }),
      { numRuns: 500 },
    );
  });

  it("every error and warning has a place and a hint or a consequence", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), text, (kind, own) => {
        for (const problem of policyOf(source(kind, own)).problems) {
          expect(problem.file).toBeDefined();
          expect(problem.line).toBeGreaterThan(0);
          expect(problem.column).toBeGreaterThan(0);
          expect(problem.message).not.toBe("");
        }
      }),
      { numRuns: 1000 },
    );
  });
});
