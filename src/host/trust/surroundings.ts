import { codeOf, reasonOf } from "../settings/read-file.ts";
import { realAbove } from "./belief.ts";
import { isInside, trustPlaceOf } from "./place.ts";

/**
 * The top of the checkout a directory lies in, or why that cannot be told; undefined where the
 * directory is the top itself, is not there, or lies in none but one around the home directory.
 */
export function checkoutAbove(root: string, home: string): string | { readonly why: string } | undefined {
  try {
    const { checkout, directory, kind, isHome } = trustPlaceOf(root, home);
    return kind === "directory" || isHome || checkout === directory ? undefined : checkout;
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : { why: reasonOf(error) };
  }
}

/**
 * In the project, by name or where links lead, or elsewhere in the checkout the project is a part
 * of; unless the project is the home directory or above it. True where that cannot be told.
 */
export function insideProject(
  path: string,
  { root, home }: { readonly root: string; readonly home: string },
): boolean {
  if (isInside(path, root) && !isInside(home, root)) return true;
  try {
    const { place, checkout, directory } = trustPlaceOf(root, home);
    const [real, realHome] = [realAbove(path), realAbove(home)];
    return [place, checkout, directory].some((top) => isInside(real, top) && !isInside(realHome, top));
  } catch (error) {
    // A project that is not there holds nothing.
    return codeOf(error) !== "ENOENT";
  }
}
