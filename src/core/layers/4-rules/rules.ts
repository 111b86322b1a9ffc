import type { Facts } from "../../call/facts.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { cdOpinions } from "./cd-rules.ts";
import { commandOpinions } from "./command-rules.ts";
import { grantOpinions } from "./grants.ts";
import { pathOpinions } from "./path-rules.ts";
import { toolOpinions } from "./tool-rules.ts";

/** Layer 4: what the deny, ask and allow rules say; all that match, not only the first. */
export function rulesLayer(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  return [
    ...toolOpinions(inquiry, facts),
    ...(inquiry.script === undefined ? [] : commandOpinions(inquiry, inquiry.script)),
    ...pathOpinions(inquiry, facts),
    ...cdOpinions(inquiry, facts),
    ...grantOpinions(inquiry, facts),
  ];
}
