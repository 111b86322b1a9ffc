import { buildPolicy } from "../../../src/core/settings/merge.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { saveRule } from "../../../src/host/settings/save.ts";

// What a test has a process with other rights, or many processes at once, do with settings.
const [what, ...args] = process.argv.slice(2);
switch (what) {
  case "load": {
    const [top = "", home = "", root = ""] = args;
    const request = { root, cwd: root, home, env: {}, ambient: true, platform: "linux", top } as const;
    const { sources, fingerprint } = loadSources(request);
    console.log(JSON.stringify(buildPolicy(sources, request, fingerprint)));
    break;
  }
  case "save": {
    const [file = "", state = "", ...rules] = args;
    try {
      for (const rule of rules) saveRule({ file, effect: "allow", rule, state });
      console.log("saved");
    } catch (error) {
      console.log(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
    break;
  }
  default:
    console.log("?");
}
