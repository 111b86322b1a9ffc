/**
 * Credentials that are known by how they look, wherever they stand. The formats are those the
 * vendors document. Every row carries an example, in pieces so that this file holds no whole
 * token; the tests redact each of them.
 */

/** Characters a stretch of a token is made of. */
export type Alphabet =
  | "alnum"
  | "upper"
  | "digit"
  | "hex"
  | "base64"
  | "url"
  | "dotted"
  | "tilde"
  | "path"
  | "wide";

/** One form of credential: a fixed anchor, what follows it, and now and then what leads up to it. */
export interface Shape {
  /** Stands in the log as `[redacted:KIND]`. */
  readonly kind: string;
  /** Text every such credential contains, compared as it is. Without a lead a word starts here. */
  readonly anchor: string;
  /** What follows the anchor, as long as the alphabet lasts. */
  readonly tail: {
    readonly of: Alphabet;
    readonly least: number;
    /** Must hold a digit: for anchors short enough to begin an ordinary word. */
    readonly digit?: boolean | undefined;
    /** Must hold this text. */
    readonly holds?: string | undefined;
    readonly example: string;
  };
  /** What stands before the anchor and belongs to the credential. */
  readonly lead?:
    | { readonly of: Alphabet; readonly least: number; readonly most: number; readonly example: string }
    | undefined;
}

/** A whole credential of this form, made up. */
export function exampleOf(shape: Shape): string {
  return `${shape.lead?.example ?? ""}${shape.anchor}${shape.tail.example}`;
}

const HEX = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const UPPER = "IOSFODNN7EXAMPLE";
const MIXED = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
const LETTERS = "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH";
const SLACK = "123456789012-123456789012-a1B2c3D4e5F6g7H8i9J0k1L2";
const GITLAB =
  "glpat- gldt- glft- glsoat- glrt- glptt- glcbt- glimt- glagent- gloas- glffct- GR1348941".split(" ");
const SLACK_PREFIXES =
  "xoxb- xoxa- xoxp- xoxr- xoxs- xoxo- xoxe- xoxc- xoxd- xapp- xoxe.xoxb- xoxe.xoxp-".split(" ");
const UUID = "01234567-89ab-cdef-0123-456789abcdef";

function tokens(
  kind: string,
  of: Alphabet,
  least: number,
  example: string,
  anchors: readonly string[],
): readonly Shape[] {
  return anchors.map((anchor) => ({ kind, anchor, tail: { of, least, example } }));
}

/** As `tokens`, for anchors that also begin ordinary words: what follows must hold a digit. */
function marked(
  kind: string,
  of: Alphabet,
  least: number,
  example: string,
  anchors: readonly string[],
): readonly Shape[] {
  return anchors.map((anchor) => ({ kind, anchor, tail: { of, least, example, digit: true } }));
}

export const SHAPES: readonly Shape[] = [
  ...tokens("aws-key-id", "upper", 16, UPPER, ["AKIA", "ASIA", "ABIA", "ACCA"]),
  ...tokens("aws-key-id", "upper", 17, `X${UPPER}`, ["A3T"]),
  ...tokens("aws-bedrock-key", "base64", 80, MIXED.repeat(3), ["ABSK"]),
  ...tokens("aws-bedrock-key", "base64", 20, MIXED, ["bedrock-api-key-"]),
  ...tokens("github-token", "alnum", 20, MIXED.slice(4), ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
  ...tokens("github-token", "url", 20, `11${MIXED}_${MIXED}`, ["github_pat_"]),
  ...tokens("gitlab-token", "dotted", 16, MIXED.slice(0, 20), GITLAB),
  ...tokens("gitlab-session", "alnum", 20, HEX.slice(0, 32), ["_gitlab_session="]),
  ...tokens("slack-token", "url", 10, SLACK, SLACK_PREFIXES),
  ...tokens("slack-webhook", "path", 20, `T01234567/B01234567/${MIXED.slice(0, 24)}`, [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
  ]),
  ...tokens("discord-webhook", "path", 40, `123456789012345678/${MIXED}${MIXED}`, [
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
  ]),
  ...tokens("teams-webhook", "path", 40, `${UUID}@${UUID}/IncomingWebhook/${HEX.slice(32)}/${UUID}`, [
    "webhook.office.com/webhookb2/",
  ]),
  ...tokens("google-api-key", "url", 30, MIXED.slice(5), ["AIza"]),
  ...tokens("google-token", "dotted", 20, `a0${MIXED}`, ["ya29."]),
  ...tokens("google-oauth-secret", "url", 20, MIXED.slice(0, 28), ["GOCSPX-"]),
  ...tokens("stripe-key", "alnum", 10, MIXED.slice(0, 24), [
    "sk_live_",
    "rk_live_",
    "sk_test_",
    "rk_test_",
    "sk_prod_",
    "rk_prod_",
  ]),
  ...tokens("stripe-webhook-secret", "alnum", 24, MIXED.slice(0, 32), ["whsec_"]),
  ...tokens("anthropic-key", "url", 20, `${MIXED}-${MIXED}AA`, [
    "sk-ant-api03-",
    "sk-ant-admin01-",
    "sk-ant-oat01-",
    "sk-ant-",
  ]),
  ...tokens("openai-key", "url", 20, MIXED, ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-or-v1-"]),
  ...marked("openai-key", "url", 20, MIXED, ["sk-"]),
  ...tokens("npm-token", "alnum", 30, MIXED.slice(4), ["npm_"]),
  ...tokens("pypi-token", "url", 40, `AgEIcHlwaS5vcmc${MIXED}`, ["pypi-"]),
  ...tokens("rubygems-token", "hex", 40, HEX.slice(0, 48), ["rubygems_"]),
  ...tokens("clojars-token", "alnum", 50, MIXED + MIXED.slice(0, 20), ["CLOJARS_"]),
  ...tokens("huggingface-token", "alnum", 30, LETTERS, ["hf_", "api_org_"]),
  ...marked("databricks-token", "hex", 32, HEX.slice(0, 32), ["dapi"]),
  ...tokens("digitalocean-token", "hex", 40, HEX, ["dop_v1_", "doo_v1_", "dor_v1_"]),
  ...tokens("age-secret-key", "upper", 40, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE", [
    "AGE-SECRET-KEY-1",
  ]),
  ...marked("sendgrid-key", "dotted", 40, `${MIXED.slice(0, 22)}.${MIXED}abc`, ["SG."]),
  ...marked("twilio-key", "hex", 32, HEX.slice(0, 32), ["SK"]),
  ...tokens("shopify-token", "hex", 32, HEX.slice(0, 32), ["shpat_", "shpca_", "shppa_", "shpss_"]),
  ...tokens("square-token", "url", 22, MIXED.slice(0, 22), ["sq0atp-", "sq0csp-", "sq0idp-"]),
  ...marked("square-token", "url", 50, MIXED + MIXED.slice(0, 20), ["EAAA"]),
  ...marked("facebook-token", "alnum", 90, MIXED.repeat(3), ["EAAM", "EAAC", "EAAB"]),
  ...tokens("vault-token", "url", 24, MIXED + MIXED + MIXED, ["hvs.", "hvb.", "hvr."]),
  ...marked("vault-token", "alnum", 24, MIXED.slice(0, 24), ["s."]),
  ...tokens("terraform-token", "url", 40, MIXED + MIXED.slice(0, 24), ["atlasv1."]).map((shape) => ({
    ...shape,
    lead: { of: "dotted" as const, least: 8, most: 24, example: "a1B2c3D4e5F6g7." },
  })),
  ...tokens("fly-token", "base64", 40, MIXED.repeat(3), ["fm2_", "fm1r_", "fm1a_"]),
  ...tokens("fly-token", "url", 40, `${MIXED}abc`, ["fo1_"]),
  ...tokens("heroku-key", "url", 40, MIXED + MIXED.slice(0, 18), ["HRKU-AA"]),
  ...tokens("grafana-token", "url", 32, `${MIXED.slice(0, 32)}_0123abcd`, ["glsa_"]),
  ...tokens("grafana-token", "base64", 32, MIXED + MIXED, ["glc_"]),
  ...tokens("doppler-token", "alnum", 30, `${MIXED}abc`, ["dp.pt.", "dp.st.", "dp.ct.", "dp.sa."]),
  ...tokens("duffel-token", "url", 30, `${MIXED}abc`, ["duffel_test_", "duffel_live_"]),
  ...tokens("dynatrace-token", "dotted", 60, `${MIXED.slice(0, 24)}.${MIXED}${MIXED.slice(0, 24)}`, [
    "dt0c01.",
    "dt0s01.",
  ]),
  ...tokens("easypost-key", "alnum", 50, MIXED + MIXED.slice(0, 14), ["EZAK", "EZTK"]),
  ...tokens("flutterwave-key", "url", 10, `${HEX.slice(0, 32)}-X`, [
    "FLWSECK_TEST-",
    "FLWSECK-",
    "FLWPUBK_TEST-",
  ]),
  ...tokens("frameio-token", "url", 40, MIXED + MIXED.slice(0, 24), ["fio-u-"]),
  ...tokens("linear-key", "alnum", 30, MIXED, ["lin_api_", "lin_oauth_"]),
  ...marked("notion-token", "alnum", 40, `01234567890${MIXED}`, ["ntn_", "secret_"]),
  ...tokens("newrelic-key", "url", 19, MIXED.slice(0, 27), ["NRAK-", "NRII-", "NRJS-", "NRRA-"]),
  ...tokens("octopus-key", "upper", 26, `${UPPER}0123456789`, ["API-"]),
  ...tokens("perplexity-key", "alnum", 40, MIXED + MIXED.slice(0, 8), ["pplx-"]),
  ...tokens("groq-key", "alnum", 40, MIXED + MIXED.slice(0, 12), ["gsk_"]),
  ...tokens("replicate-token", "alnum", 36, MIXED.slice(3), ["r8_"]),
  ...tokens("xai-key", "alnum", 60, MIXED.repeat(2), ["xai-"]),
  ...tokens("planetscale-token", "dotted", 32, MIXED, ["pscale_tkn_", "pscale_oauth_", "pscale_pw_"]),
  ...tokens("postman-key", "url", 50, `${HEX.slice(0, 24)}-${HEX.slice(0, 34)}`, ["PMAK-"]),
  ...tokens("prefect-token", "alnum", 30, MIXED.slice(4), ["pnu_", "pnb_"]),
  ...tokens("pulumi-token", "hex", 40, HEX.slice(0, 40), ["pul-"]),
  ...tokens("readme-token", "alnum", 60, MIXED + MIXED.slice(0, 30), ["rdme_"]),
  ...tokens("scalingo-token", "url", 40, MIXED + MIXED.slice(0, 8), ["tk-us-"]),
  ...tokens("brevo-key", "url", 60, `${HEX}-${MIXED.slice(0, 16)}`, ["xkeysib-", "xsmtpsib-"]),
  ...tokens("sentry-token", "base64", 40, MIXED + MIXED, ["sntrys_"]),
  ...tokens("sentry-token", "hex", 40, HEX, ["sntryu_"]),
  ...tokens("settlemint-token", "alnum", 16, MIXED.slice(0, 16), ["sm_aat_", "sm_pat_", "sm_sat_"]),
  ...tokens("shippo-token", "hex", 40, HEX.slice(0, 40), ["shippo_live_", "shippo_test_"]),
  ...tokens("sourcegraph-token", "url", 40, HEX.slice(0, 40), ["sgp_"]),
  ...tokens("sonar-token", "hex", 40, HEX.slice(0, 40), ["squ_", "sqp_", "sqa_"]),
  ...tokens("typeform-token", "dotted", 40, MIXED + MIXED.slice(0, 19), ["tfp_"]),
  ...tokens("yandex-key", "url", 35, MIXED.slice(0, 38), ["AQVN"]),
  ...tokens("yandex-token", "dotted", 80, `${MIXED}.${MIXED}${MIXED}`, ["t1."]),
  ...tokens("alibaba-key-id", "alnum", 20, MIXED.slice(0, 20), ["LTAI"]),
  ...tokens("1password-key", "url", 30, "ABC123-ABCDEF01234-AB123-CD456-EF789", ["A3-"]),
  ...tokens("1password-token", "base64", 100, MIXED.repeat(4), ["ops_eyJ"]),
  ...tokens("adobe-secret", "alnum", 32, HEX.slice(0, 32), ["p8e-"]),
  ...marked("airtable-token", "dotted", 70, `${MIXED.slice(0, 14)}.${HEX}`, ["pat"]),
  ...marked(
    "harness-key",
    "dotted",
    60,
    `${MIXED.slice(0, 22)}.${MIXED.slice(0, 24)}.${MIXED.slice(0, 20)}`,
    ["pat.", "sat."],
  ),
  ...tokens("artifactory-key", "alnum", 60, MIXED + MIXED.slice(0, 29), ["AKCp"]),
  ...tokens("artifactory-token", "alnum", 55, MIXED + MIXED.slice(0, 19), ["cmVmd"]),
  ...tokens("atlassian-token", "base64", 40, `xFfGF0${MIXED}${MIXED}`, ["ATATT3"]),
  ...marked("clickhouse-key", "alnum", 38, MIXED.slice(0, 38), ["4b1d"]),
  ...tokens("cloudflare-ca-key", "url", 100, `${HEX.slice(0, 24)}-${HEX}${HEX}`, ["v1.0-"]),
  ...tokens("dnkey", "url", 60, `${MIXED.slice(0, 26)}-${MIXED}${MIXED.slice(0, 12)}`, ["dnkey-"]),
  ...tokens("infracost-token", "alnum", 32, MIXED.slice(0, 32), ["ico-"]),
  ...tokens("intra42-secret", "hex", 40, HEX, ["s-s4t2ud-", "s-s4t2af-"]),
  ...tokens("openshift-token", "url", 40, `${MIXED}abc`, ["sha256~"]),
  ...marked("mailgun-key", "hex", 32, HEX.slice(0, 32), ["key-"]),
  ...marked("mapbox-token", "dotted", 60, `eyJ1${MIXED}${MIXED}.${MIXED.slice(0, 22)}`, ["pk.", "sk."]),
  ...tokens("plaid-token", "url", 36, UUID, ["access-sandbox-", "access-development-", "access-production-"]),
  ...tokens("dropbox-token", "url", 100, MIXED.repeat(3), ["sl."]),
  {
    kind: "authress-key",
    anchor: ".acc",
    tail: { of: "wide", least: 40, digit: true, example: `-0123456789.${MIXED}` },
    lead: { of: "dotted", least: 12, most: 60, example: "sc_a1b2c3d4e5.f6a7" },
  },
  {
    kind: "jwt",
    anchor: "eyJ",
    tail: {
      of: "dotted",
      least: 16,
      holds: ".",
      example: `hbGciOiJub25lIn0.eyJzdWIiOiIxIn0.${MIXED.slice(0, 20)}`,
    },
  },
  {
    kind: "jwt",
    anchor: "ey",
    tail: { of: "wide", least: 30, holds: ".ey", example: `JhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.${MIXED}` },
  },
  { kind: "jwt", anchor: "ZXlK", tail: { of: "base64", least: 40, digit: true, example: MIXED + MIXED } },
  { kind: "grafana-token", anchor: "eyJrIjoi", tail: { of: "base64", least: 60, example: MIXED + MIXED } },
  {
    kind: "azure-secret",
    anchor: "Q~",
    tail: { of: "dotted", least: 31, example: MIXED.slice(0, 32) },
    lead: { of: "tilde", least: 4, most: 4, example: "a~b8" },
  },
  {
    kind: "telegram-token",
    anchor: ":A",
    tail: { of: "url", least: 33, example: `A${MIXED.slice(0, 33)}` },
    lead: { of: "digit", least: 5, most: 16, example: "1234567890" },
  },
  {
    kind: "discord-token",
    anchor: ".",
    tail: { of: "dotted", least: 33, digit: true, holds: ".", example: `Gh1jK2.${MIXED.slice(0, 38)}` },
    lead: { of: "alnum", least: 23, most: 30, example: "MTIzNDU2Nzg5MDEyMzQ1Njc4" },
  },
  {
    kind: "mailchimp-key",
    anchor: "-us",
    tail: { of: "digit", least: 1, example: "12" },
    lead: { of: "hex", least: 32, most: 32, example: HEX.slice(0, 32) },
  },
  {
    kind: "maxmind-key",
    anchor: "_mmk",
    tail: { of: "alnum", least: 0, example: "" },
    lead: { of: "url", least: 30, most: 40, example: `a1B2c3_${MIXED.slice(0, 29)}` },
  },
  {
    kind: "facebook-token",
    anchor: "|",
    tail: { of: "url", least: 27, digit: true, example: MIXED.slice(0, 27) },
    lead: { of: "digit", least: 15, most: 16, example: "123456789012345" },
  },
  {
    kind: "linkedin-token",
    anchor: "AQED",
    tail: { of: "url", least: 80, digit: true, example: MIXED.repeat(3) },
  },
];
