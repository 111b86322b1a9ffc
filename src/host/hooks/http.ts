import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import type { HookEnd } from "../../core/hooks/answer.ts";
import { allowsUrl, fillHeader } from "../../core/hooks/urls.ts";
import type { HookAction, HookPolicy } from "../../core/settings/hooks.ts";
import { utf8Text } from "./process.ts";

/** Bytes of a reply that are kept. */
const KEPT = 1024 * 1024;

export interface HttpSetup {
  readonly policy: Pick<HookPolicy, "urls" | "variables">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: string;
  /** Seconds, for all of it. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Posts the payload and reads the reply. Never rejects.
 *
 * INVARIANT: nothing is sent to an address the settings do not allow; no redirect is followed; no
 * variable but those both the hook and the settings name is sent.
 */
export async function post(
  action: Extract<HookAction, { readonly kind: "http" }>,
  setup: HttpSetup,
): Promise<HookEnd> {
  const { policy, env, input } = setup;
  if (!URL.canParse(action.url)) return { kind: "failed", why: "its URL cannot be read" };
  const url = new URL(action.url);
  if (url.username !== "" || url.password !== "") {
    return { kind: "failed", why: "its URL holds a name or a password; send them in a header" };
  }
  if (!policy.urls.every((patterns) => allowsUrl(patterns, url.href))) {
    return { kind: "failed", why: "`allowedHttpHookUrls` does not allow its URL" };
  }
  const body = Buffer.from(input);
  const headers = {
    ...Object.fromEntries(
      Object.entries(action.headers).map(([name, text]) => [
        name,
        fillHeader(text, [action.variables, ...policy.variables], env),
      ]),
    ),
    "content-type": "application/json",
    "content-length": String(body.length),
  };
  const expired = AbortSignal.timeout(Math.min(setup.timeout * 1000, 2 ** 31 - 1));
  const until = setup.signal === undefined ? expired : AbortSignal.any([expired, setup.signal]);
  try {
    return await exchange(url, headers, body, until);
  } catch (error) {
    if (expired.aborted) return { kind: "failed", why: `it did not answer within ${setup.timeout} seconds` };
    if (until.aborted) return { kind: "failed", why: "it was interrupted" };
    return {
      kind: "failed",
      why: `it could not be reached: ${error instanceof Error ? reasonOf(error) : String(error)}`,
    };
  }
}

/** Several addresses that all refuse have no message of their own. */
function reasonOf(error: Error): string {
  if (error.message !== "") return error.message;
  return "code" in error ? String(error.code) : error.name;
}

function exchange(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<HookEnd> {
  const send = url.protocol === "https:" ? requestSecure : requestPlain;
  return new Promise((resolve, reject) => {
    const request = send(url, { method: "POST", headers, signal, agent: false }, (reply) => {
      const parts: Uint8Array[] = [];
      let size = 0;
      const finish = (): void => {
        const cut = size > KEPT;
        const bytes = Buffer.concat(parts);
        resolve({
          kind: "replied",
          status: reply.statusCode ?? 0,
          body: cut ? bytes.toString("utf8") : utf8Text(bytes),
          cut,
        });
      };
      reply.on("data", (data: Uint8Array) => {
        const room = KEPT - size;
        size += data.length;
        if (room > 0) parts.push(data.subarray(0, room));
        if (size <= KEPT) return;
        finish();
        request.destroy();
      });
      reply.on("end", finish);
      reply.on("error", reject);
      reply.on("aborted", () => reject(new Error("the connection ended before the reply did")));
    });
    request.on("error", reject);
    request.end(body);
  });
}
