export type Built =
  | { readonly built: true; readonly path: string; readonly sha256: string }
  | { readonly built: false; readonly why: string };

/**
 * Compiles `cordon-launcher` into `directory` and notes its hash beside it in `launcher.json`.
 * Without a compiler, or with one that fails, nothing is left there and the reason is told.
 */
export function buildLauncher(directory: string, options?: { readonly strict?: boolean }): Built;
