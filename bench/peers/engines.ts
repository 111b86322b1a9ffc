/** cordon and its peers behind one interface. Rules are put into each engine's own form outside of what is timed. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { ToolCall } from "../../src/core/call/call.ts";
import type { Facts } from "../../src/core/call/facts.ts";
import { judge, prepare } from "../../src/core/gate.ts";
import { type GateContext, examine } from "../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import { gatherFacts } from "../../src/host/facts/gather.ts";
import { builtInTables } from "../../src/host/tables.ts";
import type { Answer, NeutralCall, NeutralRule } from "./rules.ts";

/** Answers one call; what can be prepared for it without the engine was. */
export type Decider = (call: NeutralCall) => () => Answer;

export interface Engine {
  readonly name: string;
  /** What of the rule set it cannot express, or expresses otherwise. */
  readonly differs: readonly string[];
  /** Puts the rules into the engine's form; calling the result loads them. */
  readonly form: (rules: readonly NeutralRule[], root: string) => () => Decider | Promise<Decider>;
}

/** Where the packages that bench/peers/package-lock.json names are installed; the bench runs in the root of the repository. */
export const PEERS: string = resolve(".cache/peers");
/** A peer's package; none of them is a dependency of cordon. */
const packageOf = createRequire(`${PEERS}/package.json`);

const textOf = (call: NeutralCall): string => (call.tool === "Bash" ? call.command : call.path);

function settingsText(rules: readonly NeutralRule[]): string {
  const lists: Record<Answer, string[]> = { allow: [], ask: [], deny: [] };
  for (const rule of rules)
    lists[rule.effect].push(
      rule.tool === "Bash" ? `Bash(${rule.words} *)` : `Read(**/${rule.directory}/*.txt)`,
    );
  return JSON.stringify({ permissions: lists });
}

/** `disk`: what is found out about the machine is part of every decision; else it is known before. */
function cordon(disk: boolean): Engine {
  return {
    name: disk ? "cordon with its look at the disk" : "cordon",
    differs: [],
    form: (rules, root) => {
      const text = settingsText(rules);
      const tables = builtInTables();
      const place = { root, cwd: root, home: "/home/user" };
      const layer = { scope: "user", trusted: true, repository: false, anchor: root, base: root } as const;
      const load = (): GateContext =>
        prepare(buildPolicy([{ ...layer, text }], place, "bench"), place, tables);
      return () => {
        const context = load();
        return (call) => {
          const input = call.tool === "Bash" ? { command: call.command } : { file_path: call.path };
          const given: ToolCall = { tool: call.tool, input, cwd: root, root, home: place.home };
          if (disk)
            return () => {
              const inquiry = examine(context, given);
              return judge(inquiry, gatherFacts(needsOf(inquiry))).verdict;
            };
          const facts: Facts = gatherFacts(needsOf(examine(context, given)));
          return () => judge(examine(context, given), facts).verdict;
        };
      };
    },
  };
}

interface CedarAnswer {
  readonly type: string;
  readonly response?: { readonly diagnostics: { readonly reason: readonly string[] } };
}
interface Cedar {
  readonly preparsePolicySet: (id: string, set: object) => { readonly type: string };
  readonly statefulIsAuthorized: (call: object) => CedarAnswer;
}

const cedar: Engine = {
  name: "Cedar (wasm)",
  differs: [
    "knows permit and forbid only: asking is a forbid whose id says so",
    "`*` in `like` also crosses `/`",
    "a command is a text: prefixes match the whole of it",
  ],
  form: (rules) => {
    const { preparsePolicySet, statefulIsAuthorized }: Cedar = packageOf("@cedar-policy/cedar-wasm/nodejs");
    const policies = Object.fromEntries(
      rules.map((rule, at) => {
        const head = rule.effect === "allow" ? "permit" : "forbid";
        const like = rule.tool === "Bash" ? `${rule.words} *` : `*/${rule.directory}/*.txt`;
        const text = `${head}(principal, action == Action::"${rule.tool}", resource) when { context.text like "${like}" };`;
        return [`${rule.effect}${at}`, text];
      }),
    );
    return () => {
      const loaded = preparsePolicySet("bench", { staticPolicies: policies });
      if (loaded.type !== "success") throw new Error(JSON.stringify(loaded));
      return (call) => {
        const request = {
          principal: { type: "Agent", id: "a" },
          action: { type: "Action", id: call.tool },
          resource: { type: "Machine", id: "m" },
          context: { text: textOf(call) },
          preparsedPolicySetId: "bench",
          entities: [],
        };
        return () => {
          const answer = statefulIsAuthorized(request);
          if (answer.response === undefined) throw new Error(JSON.stringify(answer));
          const { reason } = answer.response.diagnostics;
          if (reason.some((id) => id.startsWith("deny"))) return "deny";
          return reason.length > 0 && reason.every((id) => id.startsWith("allow")) ? "allow" : "ask";
        };
      };
    };
  },
};

interface Casbin {
  readonly newModelFromString: (text: string) => object;
  readonly StringAdapter: new (text: string) => object;
  readonly newEnforcer: (
    model: object,
    adapter: object,
  ) => Promise<{
    readonly enforceExSync: (...values: readonly string[]) => readonly [boolean, readonly string[]];
  }>;
}

const CASBIN_MODEL = `[request_definition]
r = tool, text
[policy_definition]
p = tool, pattern, eft, answer
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = r.tool == p.tool && ((p.tool == "Bash" && keyMatch(r.text, p.pattern)) || (p.tool == "Read" && globMatch(r.text, p.pattern)))
`;

const casbin: Engine = {
  name: "casbin",
  differs: [
    "knows allow and deny only: asking is a deny whose line says so",
    "the order of lines decides, so denies stand first, then asks",
    "a command is a text: prefixes match the whole of it",
  ],
  form: (rules) => {
    const { newModelFromString, StringAdapter, newEnforcer }: Casbin = packageOf("casbin");
    const line = (rule: NeutralRule): string => {
      const pattern = rule.tool === "Bash" ? `${rule.words} *` : `**/${rule.directory}/*.txt`;
      return `p, ${rule.tool}, ${pattern}, ${rule.effect === "allow" ? "allow" : "deny"}, ${rule.effect}`;
    };
    const order: readonly Answer[] = ["deny", "ask", "allow"];
    const lines = order
      .flatMap((effect) => rules.filter((rule) => rule.effect === effect))
      .map(line)
      .join("\n");
    return async () => {
      const enforcer = await newEnforcer(newModelFromString(CASBIN_MODEL), new StringAdapter(lines));
      return (call) => () => {
        const [allowed, by] = enforcer.enforceExSync(call.tool, textOf(call));
        return allowed ? "allow" : by.at(-1) === "deny" ? "deny" : "ask";
      };
    };
  },
};

interface CaslRule {
  readonly inverted: boolean;
  readonly reason?: string;
}
interface Casl {
  readonly createMongoAbility: (rules: readonly object[]) => {
    readonly relevantRuleFor: (action: string, on: object) => CaslRule | null;
  };
  readonly subject: (type: string, fields: object) => object;
}

const casl: Engine = {
  name: "CASL",
  differs: [
    "knows can and cannot only: asking is a cannot whose reason says so",
    "the order of rules decides, so denies stand last",
    "has no patterns for commands or paths: regular expressions, made by hand",
    "a command is a text: prefixes match the whole of it",
  ],
  form: (rules) => {
    const { createMongoAbility, subject }: Casl = packageOf("@casl/ability");
    const order: readonly Answer[] = ["allow", "ask", "deny"];
    const raw = order
      .flatMap((effect) => rules.filter((rule) => rule.effect === effect))
      .map((rule) => ({
        action: "use",
        subject: rule.tool,
        inverted: rule.effect !== "allow",
        reason: rule.effect,
        conditions: {
          text: { $regex: rule.tool === "Bash" ? `^${rule.words} ` : `/${rule.directory}/[^/]*\\.txt$` },
        },
      }));
    return () => {
      const ability = createMongoAbility(raw);
      return (call) => {
        const on = subject(call.tool, { text: textOf(call) });
        return () => {
          const rule = ability.relevantRuleFor("use", on);
          return rule === null ? "ask" : rule.reason === "deny" ? "deny" : rule.inverted ? "ask" : "allow";
        };
      };
    };
  },
};

/** The engines in the order they are printed; the first is what the others are compared with. */
export const ENGINES: readonly Engine[] = [cordon(false), cordon(true), cedar, casbin, casl];
