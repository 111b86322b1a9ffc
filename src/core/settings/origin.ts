import type { Scope } from "../call/opinion.ts";

/** A setting with the place that set it, for reasons a person can follow. */
export interface Origin {
  readonly scope: Scope;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}
