import type { Rung } from "../../../core/settings/policy.ts";
import type { Attempt } from "./attempt.ts";

/** Attempts that a rung does not stop, by id, with what `cordon sandbox doctor` says of them. */
const LOST: Readonly<Record<Rung, Readonly<Record<string, string>>>> = {
  native: {},
  bubblewrap: {},
  landlock: {
    "environment-visible": "listing",
    "limit-temporary": "disk",
    "metadata-mode": "metadata",
    "metadata-mode-by-descriptor": "metadata",
    "metadata-times": "metadata",
    "metadata-times-by-link": "metadata",
  },
};

/** Why an attempt is expected to succeed on a rung; undefined where it must be stopped. */
export function lostOn(rung: Rung, attempt: Attempt): string | undefined {
  return LOST[rung][attempt.id];
}
