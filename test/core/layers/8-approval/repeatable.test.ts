import { expect, it } from "vitest";
import { isRepeatable } from "../../../../src/core/layers/8-approval/repeatable.ts";
import { analyse } from "../../../../src/core/shell/analyse.ts";
import { builtInTables } from "../../../../src/host/tables.ts";

const repeatable = (command: string): boolean =>
  isRepeatable(analyse(command, "/home/u/w", "/home/u", builtInTables()));

it.each([
  ["echo x >> ~/.bashrc"],
  ["touch ~/x"],
  ["mkdir -p ~/a/b"],
  ["cp a ~/b"],
  ["cat a | sort > ~/b"],
  ["ls && touch ~/x"],
  ["bash -c 'touch ~/x'"],
])("may be run again: %s", (command) => expect(repeatable(command)).toBe(true));

it.each([
  ["echo x >> log && touch ~/x"],
  ["touch a; touch ~/x"],
  ["npm test"],
  ["curl https://example.com -o ~/x"],
  ["touch ~/x &"],
  ["unknown-program ~/x"],
  ["$(which touch) ~/x"],
  ["git push"],
])("is not known to be harmless twice: %s", (command) => expect(repeatable(command)).toBe(false));
