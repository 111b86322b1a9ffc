import type { Facts } from "../../call/facts.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import { addressKind, canonicalHost } from "../../inquiry/hosts.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";

/** What a WebFetch address is, whatever the rules say about its name. */
export function webOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  if (inquiry.class !== "web-fetch" || inquiry.fault !== undefined) return [];
  const url = stringAt(inquiry.call.input, "url") ?? "";
  const fact = facts.urls.get(`url:${url}`);
  const base = { layer: "mode", effect: "ask", kind: "network" } as const;
  if (fact === undefined || fact.host === "" || !/^https?:$/.test(fact.protocol)) {
    const why = `\`${url}\` is no web address that can be read`;
    return [{ layer: "mode", effect: "deny", code: "net.bad-url", why }];
  }
  const host = canonicalHost(fact.host);
  switch (addressKind(host)) {
    case "metadata":
      return isNamed(inquiry, host)
        ? []
        : [
            {
              layer: "mode",
              effect: "deny",
              code: "net.metadata",
              why: `\`${host}\` hands out the credentials of a cloud machine`,
            },
          ];
    case "private":
      return isNamed(inquiry, host)
        ? []
        : [{ ...base, code: "net.private", why: `\`${host}\` is this machine or its own network` }];
    case "public":
      // A mode does not move the network boundary: elsewhere the call's own question covers this.
      return inquiry.mode === "bypassPermissions"
        ? [{ ...base, kind: "host", code: "net.host", why: `nothing opens the host \`${host}\`` }]
        : [];
  }
}

/** An allow rule that spells the host, not a wildcard over it. */
function isNamed(inquiry: Inquiry, host: string): boolean {
  return inquiry.context.rules.domains.some(
    ({ rule, domain }) => rule.effect === "allow" && domain.text === host,
  );
}
