/** A cache that a tool keeps in the home directory: see data/caches.json. */
export interface CacheEntry {
  /** Unique. */
  readonly name: string;
  /** Where it is by custom, `~/...`; absent = only where a variable says. */
  readonly place?: string | undefined;
  /** Variables that move it, `NAME` or `NAME/below`; the first is set where the place does not exist. */
  readonly variables: readonly string[];
  /** `NAME=VALUE` in the stead of the first variable, `{}` being the private directory. */
  readonly set?: string | undefined;
  /** Where it cannot be layered it stays readable and is not writable, rather than private and empty. */
  readonly kept?: boolean | undefined;
  readonly why: string;
}

export interface CacheList {
  readonly about: string;
  readonly caches: readonly CacheEntry[];
}
