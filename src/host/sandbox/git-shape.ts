/** The shape by which git takes a directory for a repository. */
export function isGitShape(names: ReadonlySet<string>): boolean {
  return names.has("HEAD") && (names.has("commondir") || (names.has("objects") && names.has("refs")));
}
