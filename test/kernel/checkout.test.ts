import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Rule, readRule } from "../../src/core/settings/rule.ts";
import { type Actor, type Options, type Outcome, type Scene, type Stage, WHO, inventory } from "./stage.ts";
import { openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** A checkout with work in it, and something beside it; gone when the test is over. */
interface Ground {
  readonly scene: Scene;
  readonly top: string;
  readonly beside: string;
  readonly within: (directory: string, command: string, options?: Options) => Promise<Outcome>;
}

function ground(actor: Actor, parent: (scene: Scene) => string): Ground {
  const scene = actor.scene();
  const base = scene.outsideRun(`mktemp -d '${parent(scene)}/cordon-checkout-XXXXXX'`).trim();
  onTestFinished(() => void scene.outsideRun(`chmod -R u+rwX '${base}'; rm -rf '${base}'`));
  scene.outsideRun(`cd '${base}' && echo beside > beside && mkdir -p p/js/src && cd p && git init -q .
echo one > a.txt && echo two > js/src/b.js && git add . && git commit -qm first
echo changed >> js/src/b.js; echo secret > .env; mkdir keys && echo secret > keys/k`);
  return {
    scene,
    top: join(base, "p"),
    beside: join(base, "beside"),
    within: (directory, command, options) => scene.run(command, { root: directory, ...options }),
  };
}

function denying(...texts: readonly string[]): readonly Rule[] {
  return texts.flatMap((text) =>
    readRule(text, "deny").readings.map((reading) => ({
      ...reading,
      text,
      scope: "user" as const,
      anchor: "/nowhere",
    })),
  );
}

const PLACES: readonly (readonly [string, (scene: Scene) => string])[] = [
  ["/tmp", () => "/tmp"],
  ["/var/tmp", () => "/var/tmp"],
  ["a home", ({ home }) => home],
];

describe.each(WHO)("a workspace in a checkout, as %s", (who) => {
  const actor = (): Actor => {
    const found = stage.actors.find(({ name }) => name === who);
    if (found === undefined) throw new Error(who);
    return found;
  };

  describe.each(PLACES)("below %s", (name, parent) => {
    it("is known to git, with all that is beside it in the checkout", async () => {
      const { top, within } = ground(actor(), parent);
      const at = join(top, "js/src");
      const { stdout, stderr, status } = await within(
        at,
        "git status --short -uno && git log --format=%s && cat ../../a.txt && git rev-parse --show-toplevel",
      );
      expect([stdout, stderr, status]).toEqual([` M b.js\nfirst\none\n${top}\n`, "", 0]);
    });

    it("is all of it that can be written", async () => {
      const { scene, top, beside, within } = ground(actor(), parent);
      const before = inventory(top);
      const tries = [
        "echo x > ../../a.txt",
        "echo x > ../new",
        "mkdir ../../d",
        "rm -f ../../a.txt",
        "mv ../../js ../../moved",
        "echo x > ../../.git/config",
        "echo x > ../../.git/hooks/pre-commit",
        "git commit -qam x",
        `mkdir -p ${top}/js/src/../gone && echo x`,
      ];
      const { status } = await within(
        join(top, "js/src"),
        tries.map((text) => `${text} && exit 7`).join("; "),
      );
      expect(status).not.toBe(7);
      expect(inventory(top)).toEqual(before);
      await within(join(top, "js/src"), "echo x > made");
      expect(scene.outsideRun(`cat '${top}/js/src/made'`)).toBe("x\n");
      // What lies beside the checkout is hidden where the place is private, as before.
      const { stdout } = await within(join(top, "js/src"), `cat ${beside} || true`);
      expect(stdout).toBe(name === "a home" ? "beside\n" : "");
    });

    it("finds in it only what no mask covers", async () => {
      const { scene, top, within } = ground(actor(), parent);
      const at = join(top, "js/src");
      const command = `cat '${top}/keys/k' '${top}/.env' '${top}/a.txt' '${scene.home}/.netrc'; ls '${top}/keys'; true`;
      const named = await within(at, command, {
        rules: denying(`Read(/${top}/keys/**)`),
        sandbox: { denyRead: [join(top, ".env")] },
      });
      expect(named.stdout).toBe("one\n");
      const open = await within(at, command);
      expect(open.stdout).toBe("secret\nsecret\none\nk\n");
    });

    it("in a linked worktree reads the repository behind it, and writes nothing of it", async () => {
      const { scene, top, within } = ground(actor(), parent);
      const tree = join(top, "../tree");
      scene.outsideRun(`cd '${top}' && git worktree add -q '${tree}' 2>/dev/null`);
      const before = inventory(join(top, ".git"));
      const { stdout, status } = await within(
        join(tree, "js/src"),
        "git status --short && git log --format=%s && ! git commit -q --allow-empty -m x 2>/dev/null",
      );
      expect([stdout, status]).toEqual(["first\n", 0]);
      expect(inventory(join(top, ".git"))).toEqual(before);
    });
  });

  it("below a private place is under denials that name no place", async () => {
    const { top, within } = ground(actor(), () => "/tmp");
    const command = `cat '${top}/.env' '${top}/keys/k' '${top}/a.txt'; true`;
    const { stdout } = await within(join(top, "js/src"), command, {
      rules: denying("Read(.env)", "Read(keys/**)"),
    });
    expect(stdout).toBe("one\n");
  });

  it("sees nothing of it where reads outside are blocked, or of a repository that is not its own", async () => {
    const { scene, top, within } = ground(actor(), () => "/tmp");
    const blocked = await within(join(top, "js/src"), `cat '${top}/a.txt' || true`, {
      blockReadsOutside: true,
    });
    expect(blocked.stdout).toBe("");
    const forged = join(top, "../forged");
    scene.outsideRun(`mkdir -p '${forged}/sub' && echo 'gitdir: ${top}/.git' > '${forged}/.git'`);
    const { stdout } = await within(join(forged, "sub"), `cat '${top}/.git/HEAD' || true`);
    expect(stdout).toBe("");
  });
});
