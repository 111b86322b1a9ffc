import type { Facts } from "../call/facts.ts";
import { compileGlob, matchGlob } from "../call/glob.ts";
import { stringAt, trueAt } from "../call/json.ts";
import type { Opinion, RuleRef } from "../call/opinion.ts";
import { formatProblem } from "../settings/problem.ts";
import type { Origin } from "../settings/origin.ts";
import type { Rule } from "../settings/rule.ts";
import { canonicalHost } from "../inquiry/hosts.ts";
import { compileWildcard, surelyMatches } from "../inquiry/wildcard.ts";
import type { Inquiry } from "../inquiry/inquiry.ts";
import { locate } from "../inquiry/locate.ts";

/** Layer 2: what the organisation locks. */
export function managedLayer(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const { managed } = inquiry.context.policy;
  const opinions: Opinion[] = [];
  if (managed.stopped !== undefined) {
    opinions.push({
      layer: "managed",
      effect: "deny",
      code: "managed.stopped",
      why: `nothing runs until the organisation's policy can be read: ${formatProblem(managed.stopped).split("\n")[0] ?? ""}`,
      rule: {
        text: "managed settings",
        effect: "deny",
        scope: "managed",
        file: managed.stopped.file,
        line: managed.stopped.line,
      },
    });
  }
  for (const { tool, key, origin } of managed.notEnforced) {
    if (!surelyMatches(compileWildcard(tool), inquiry.tool)) continue;
    opinions.push(
      deny(
        "managed.not-enforced",
        `the organisation sets \`${key}\`, which cordon does not enforce yet; what it governs is denied`,
        origin,
        key,
      ),
    );
  }
  if (managed.allowedDirectories !== undefined)
    opinions.push(...outside(inquiry, facts, managed.allowedDirectories));
  if (managed.blockNetworkTools !== undefined) opinions.push(...network(inquiry, managed.blockNetworkTools));
  if (managed.onlyManagedDomains !== undefined)
    opinions.push(...unlistedHost(inquiry, facts, managed.onlyManagedDomains));
  if (managed.requireReadFirst !== undefined)
    opinions.push(...readFirst(inquiry, facts, managed.requireReadFirst));
  return opinions;
}

function refOf(origin: Origin, key: string): RuleRef {
  return { text: key, effect: "deny", scope: origin.scope, file: origin.file, line: origin.line };
}

function deny(
  code: Opinion["code"],
  why: string,
  origin: Origin,
  key: string,
  place: Partial<Opinion> = {},
): Opinion {
  return { layer: "managed", effect: "deny", code, why, rule: refOf(origin, key), ...place };
}

/** Every call made outside the allowed roots, and every path outside them. */
function outside(
  inquiry: Inquiry,
  facts: Facts,
  allowed: { readonly globs: readonly string[]; readonly origin: Origin },
): readonly Opinion[] {
  const globs = allowed.globs.flatMap((pattern) => {
    const root = pattern.replace(/\/+$/, "");
    return [compileGlob(root), compileGlob(`${root}/**`)];
  });
  const inside = (path: string): boolean => globs.some((glob) => matchGlob(glob, path));
  const cwd = facts.paths.get(`path:${inquiry.call.cwd}`);
  const here = cwd?.kind === "path" ? cwd.real : inquiry.call.cwd;
  if (!inside(here))
    return [
      deny(
        "managed.directory",
        `\`${here}\` is outside the directories the organisation allows`,
        allowed.origin,
        "allowedDirectories",
      ),
    ];
  for (const use of inquiry.uses) {
    if (use.hint === true) continue;
    for (const located of locate(use, facts)) {
      if (located.certain && inside(located.real)) continue;
      const why = located.certain
        ? `\`${located.real}\` is outside the directories the organisation allows`
        : `where \`${use.shown}\` leads is not known, and the organisation allows only some directories`;
      return [
        deny("managed.directory", why, allowed.origin, "allowedDirectories", {
          part: use.part,
          subject: use.path,
          span: use.span,
        }),
      ];
    }
  }
  return [];
}

/** WebFetch, WebSearch and every command that talks to the network, through any wrapper. */
function network(inquiry: Inquiry, origin: Origin): readonly Opinion[] {
  if (inquiry.class === "web-fetch" || inquiry.class === "web-search") {
    return [
      deny("managed.network", `the organisation blocks \`${inquiry.tool}\``, origin, "blockNetworkTools"),
    ];
  }
  const opinions: Opinion[] = [];
  for (const invocation of inquiry.script?.invocations ?? []) {
    const { reading } = invocation;
    if (!reading.network) continue;
    opinions.push(
      deny(
        "managed.network",
        `the organisation blocks network commands such as \`${reading.path.join(" ")}\``,
        origin,
        "blockNetworkTools",
        { part: invocation.id, span: invocation.span },
      ),
    );
  }
  for (const use of inquiry.uses) {
    if (/^\/dev\/(?:tcp|udp)\//.test(use.path))
      opinions.push(
        deny("managed.network", `\`${use.shown}\` opens a network connection`, origin, "blockNetworkTools", {
          part: use.part,
          span: use.span,
        }),
      );
  }
  return opinions;
}

/** WebFetch of an address that no managed rule allows, or whose host cannot be told. */
function unlistedHost(inquiry: Inquiry, facts: Facts, origin: Origin): readonly Opinion[] {
  if (inquiry.class !== "web-fetch") return [];
  const { rules } = inquiry.context;
  const opens = ({ effect, scope }: Rule): boolean => effect === "allow" && scope === "managed";
  const whole = [...rules.tools(inquiry.tool)].some(
    ({ rule, tool, name }) => opens(rule) && name === undefined && surelyMatches(tool, inquiry.tool),
  );
  const fact = facts.urls.get(`url:${stringAt(inquiry.call.input, "url") ?? ""}`);
  const host = fact === undefined ? undefined : canonicalHost(fact.host);
  const listed =
    host !== undefined && rules.domains.some(({ rule, domain }) => opens(rule) && domain.matches(host));
  if (whole || listed) return [];
  return [
    deny(
      "managed.domain",
      host === undefined
        ? "the organisation allows only some hosts, and which one this is cannot be told"
        : `\`${host}\` is not among the hosts the organisation allows`,
      origin,
      "sandbox.network.allowManagedDomainsOnly",
      host === undefined ? {} : { subject: host },
    ),
  ];
}

/** Edit and Write of an existing file need a read of its current content, and an edit must be unambiguous. */
function readFirst(inquiry: Inquiry, facts: Facts, origin: Origin): readonly Opinion[] {
  if (inquiry.class !== "edit") return [];
  const { input } = inquiry.call;
  return inquiry.uses.flatMap((use) =>
    locate(use, facts).flatMap((located) => {
      const place = { subject: use.path };
      const fact = facts.texts.get(`text:${located.name}`);
      if (located.type === "absent" && located.certain) return [];
      const seen = facts.reads.get(located.real);
      if (seen === undefined)
        return [
          deny(
            "managed.read-first",
            `\`${use.shown}\` has not been read in this session; read it first`,
            origin,
            "requireReadFirst",
            place,
          ),
        ];
      if (fact?.hash !== seen)
        return [
          deny(
            "managed.read-first",
            `\`${use.shown}\` has changed since it was read; read it again`,
            origin,
            "requireReadFirst",
            place,
          ),
        ];
      const old = stringAt(input, "old_string");
      if (old === undefined || trueAt(input, "replace_all")) return [];
      const count = fact?.text === undefined || old === "" ? 0 : fact.text.split(old).length - 1;
      return count === 1
        ? []
        : [
            deny(
              "managed.edit-ambiguous",
              `the text to replace occurs ${count} times in \`${use.shown}\`, not once`,
              origin,
              "requireReadFirst",
              place,
            ),
          ];
    }),
  );
}
