import { describe, expect, it } from "vitest";
import { type Handler, type Loopback, hooking, loopback, pre, saidOf, trial } from "./world.ts";

const NONE = "ask cmd.file-modifying";
const DENY = "deny hook.deny";
const FAILED = "deny hook.failed";

/** A server with an answer for each path. */
function server(): Promise<Loopback> {
  return loopback((path, response) => {
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    switch (path.split("?")[0]) {
      case "/empty":
        return void response.writeHead(204).end();
      case "/none":
        return json({});
      case "/deny":
        return json(pre("deny", { permissionDecisionReason: "by the server" }));
      case "/allow":
        return json(pre("allow"));
      case "/created":
        return json(pre("deny"), 201);
      case "/denied":
        return json(pre("allow"), 403);
      case "/broken":
        return json(pre("allow"), 500);
      case "/text":
        return void response.end("all is well");
      case "/list":
        return json([1]);
      case "/bytes":
        return void response.end(Buffer.from([0x7b, 0xff, 0x7d]));
      case "/moved":
        return void response.writeHead(302, { location: "/allow" }).end();
      case "/permanently":
        return void response.writeHead(308, { location: "/allow" }).end();
      case "/huge":
        return void response.end(`{"reason": "${"x".repeat(3_000_000)}"}`);
      case "/cut":
        response.writeHead(200, { "content-length": "1000" }).write('{"decision"');
        return void setTimeout(() => response.destroy(), 50);
      case "/slow":
        return;
      case "/drip":
        response.write("{");
        return;
      default:
        return void response.writeHead(404).end();
    }
  });
}

const to = (url: string, more: object = {}): Handler => ({ type: "http", url, ...more });

describe("what a reply means", () => {
  it.each([
    ["/empty", {}, NONE, ""],
    ["/none", {}, NONE, ""],
    ["/deny", {}, DENY, "by the server"],
    ["/allow", {}, "allow hook.allow", ""],
    ["/created", {}, DENY, ""],
    ["/denied", {}, FAILED, "status 403"],
    ["/broken", {}, FAILED, "status 500"],
    ["/nowhere", {}, FAILED, "status 404"],
    ["/text", {}, FAILED, "not JSON"],
    ["/list", {}, FAILED, "no JSON object"],
    ["/bytes", {}, FAILED, "UTF-8"],
    ["/moved", {}, FAILED, "redirects (status 302)"],
    ["/permanently", {}, FAILED, "redirects (status 308)"],
    ["/huge", {}, FAILED, "more than"],
    ["/cut", {}, FAILED, "could not be reached"],
    ["/slow", { timeout: 0.2 }, FAILED, "within 0.2 seconds"],
    ["/drip", { timeout: 0.2 }, FAILED, "within 0.2 seconds"],
    ["/broken", { onFailure: "continue" }, NONE, ""],
    ["/allow", { headers: { "x-y": "a\nb" } }, FAILED, "nvalid character"],
  ] as const)("%s %j", async (path, more, verdict, why) => {
    const { url } = await server();
    const [said, reason] = saidOf(await trial({ settings: hooking([to(`${url}${path}`, more)]) }));
    expect(said).toBe(verdict);
    expect(reason).toContain(why);
  });

  it("nobody listens", async () => {
    const [said, why] = saidOf(await trial({ settings: hooking([to("http://127.0.0.1:1/")]) }));
    expect([said, why]).toEqual([FAILED, expect.stringContaining("ECONNREFUSED")]);
  });

  it("an address with a password is not used", async () => {
    const { url, requests } = await server();
    const [said] = saidOf(await trial({ settings: hooking([to(url.replace("//", "//me:secret@"))]) }));
    expect([said, requests]).toEqual([FAILED, []]);
  });
});

describe("what is sent", () => {
  it("is the payload, with the variables both sides name", async () => {
    const { url, requests } = await server();
    const headers = { authorization: "Bearer $TOKEN", "x-other": "${OTHER}-$HIDDEN." };
    const handler = to(`${url}/none`, { headers, allowedEnvVars: ["TOKEN", "OTHER"] });
    const env = { TOKEN: "t", OTHER: "o", HIDDEN: "h" };
    await trial({ settings: hooking([handler]), env });
    await trial({ settings: hooking([handler], "PreToolUse", { httpHookAllowedEnvVars: ["TOKEN"] }), env });
    await trial({ settings: hooking([handler], "PreToolUse", { httpHookAllowedEnvVars: [] }), env });
    expect(
      requests.map(({ headers: { authorization, "x-other": other } }) => [authorization, other]),
    ).toEqual([
      ["Bearer t", "o-."],
      ["Bearer t", "-."],
      ["Bearer", "-."],
    ]);
    expect(requests[0]?.body).toMatchObject({
      hook_event_name: "PreToolUse",
      tool_name: "Bash",
      tool_input: { command: "touch made" },
    });
  });

  it.each([
    [["http://127.0.0.1:*/*"], true],
    [["*"], true],
    [["http://127.0.0.1/*"], false],
    [["https://127.0.0.1:*/*"], false],
    [["http://127.0.0.1:*/other"], false],
    [[], false],
  ])("goes to %j only where allowed: %s", async (allowedHttpHookUrls, reaches) => {
    const { url, requests } = await server();
    const settings = hooking([to(`${url}/none`)]);
    const [said] = saidOf(await trial({ settings, managed: { allowedHttpHookUrls } }));
    expect([said, requests.length]).toEqual(reaches ? [NONE, 1] : [FAILED, 0]);
  });
});
