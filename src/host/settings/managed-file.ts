import type { ManagedTier } from "../../core/settings/source.ts";
import type { FileReading } from "./read-file.ts";

/** A managed source that exists, and what could be read of it. */
export interface ManagedFile {
  /** The file; of settings that lie in none, the name a person finds them by. */
  readonly file: string;
  readonly tier: ManagedTier;
  readonly reading: Exclude<FileReading, { readonly kind: "absent" }>;
}

/** What was found of managed settings. */
export interface ManagedFiles {
  /**
   * The highest first: what the operating system hands out, then files: of one directory the last
   * drop-in first, the base file last.
   */
  readonly settings: readonly ManagedFile[];
  /** Files that name the only MCP servers; that they exist is enough. */
  readonly servers: readonly string[];
  /** Everything that was looked for. */
  readonly looked: readonly string[];
}
