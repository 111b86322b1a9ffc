import fc from "fast-check";
import { ANSWERERS, ASK_KINDS } from "../../src/core/call/ask.ts";
import { CODES, type Code } from "../../src/core/call/codes.ts";
import { LAYERS, type Opinion } from "../../src/core/call/opinion.ts";

const CODE_NAMES = Object.keys(CODES) as Code[];
const place = {
  layer: fc.constantFrom(...LAYERS),
  code: fc.constantFrom(...CODE_NAMES),
  why: fc.constantFrom("a", "b", "c"),
  part: fc.option(fc.nat(2), { nil: undefined }),
  subject: fc.option(fc.constantFrom("/p/a", "/p/b"), { nil: undefined }),
  about: fc.option(
    fc.record({
      use: fc.constantFrom("0 read /p/a", "0 write /p/a"),
      place: fc.option(fc.constantFrom("/p/a1", "/p/a2"), { nil: undefined }),
    }),
    { nil: undefined },
  ),
};

/** Any opinion a layer could have, well-formed: asks have a kind, allows an answerer. */
export const anyOpinion: fc.Arbitrary<Opinion> = fc.oneof(
  fc.record({ ...place, effect: fc.constant("deny" as const) }),
  fc.record({
    ...place,
    effect: fc.constant("ask" as const),
    kind: fc.constantFrom(...ASK_KINDS),
    otherwise: fc.constantFrom(undefined, undefined, undefined, "deny" as const),
  }),
  fc.record({ ...place, effect: fc.constant("allow" as const), answers: fc.constantFrom(...ANSWERERS) }),
  fc.record({ ...place, effect: fc.constant("pass" as const) }),
);
