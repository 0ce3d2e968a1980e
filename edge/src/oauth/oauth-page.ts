// What a person sees who comes back from a platform's consent page: one sentence on what happened, one on what to do. Everything that
// others wrote is escaped, and the page may load, run, frame and send nothing.
import type { OAuthOutcome } from "@mio/shared/bus/wire/telemetry.ts";
import { sha256 } from "@noble/hashes/sha2.js";

/** Chosen by people elsewhere; empty when not known. */
export interface OAuthNames {
  workspace: string;
  tenant: string;
}

interface Text {
  status: number;
  title: string;
  /** Paragraphs, as text. */
  says: readonly string[];
}

const newLink = "Please ask whoever sent you the link for a new one.";
const again = "Please reload this page in a minute.";
const retryAfterSeconds = 60;
const nameLengthMax = 120;

/** A page of its own for each outcome, with a status that machines understand as people do the text. */
export function oauthPage(outcome: OAuthOutcome, names: OAuthNames = { workspace: "", tenant: "" }): Response {
  const { status, title, says } = textOf(outcome, names);
  const headers = new Headers({
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": contentSecurityPolicy,
    // The address holds a secret: nothing may keep it or pass it on.
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
  });
  if (status === 503) headers.set("retry-after", String(retryAfterSeconds));
  if (status === 405) headers.set("allow", "GET");
  return new Response(html(outcome, title, says), { status, headers });
}

function textOf(outcome: OAuthOutcome, names: OAuthNames): Text {
  const workspace = names.workspace === "" ? "The workspace" : `The workspace “${clipped(names.workspace)}”`;
  const tenant = names.tenant === "" ? "" : ` for “${clipped(names.tenant)}”`;
  switch (outcome) {
    case "connected":
      return { status: 200, title: "Connected", says: [`${workspace} is connected${tenant}.`, "You can close this page."] };
    case "denied":
      return {
        status: 200,
        title: "Not connected",
        says: ["You did not agree, so nothing was changed.", "To agree after all, open the link that you were sent again."],
      };
    case "expired":
      return { status: 410, title: "This link has expired", says: ["Nothing was changed.", newLink] };
    case "used":
      return { status: 410, title: "This link was already used", says: ["It works once. Nothing was changed now.", newLink] };
    case "unknown":
      return { status: 404, title: "We do not know this link", says: ["Nothing was changed.", newLink] };
    case "in_progress":
      return { status: 202, title: "Still connecting", says: ["This link is being worked on.", again] };
    case "rejected":
      return { status: 502, title: "Not connected", says: ["The platform refused the connection.", newLink] };
    case "taken":
      return {
        status: 409,
        title: "Not connected",
        says: [
          `${workspace} cannot be connected${tenant}: it belongs to an account already.`,
          "Please ask whoever sent you the link.",
        ],
      };
    case "not_offered":
      return { status: 404, title: "Nothing to connect here", says: ["This address connects no workspaces.", newLink] };
    case "core_away":
      return {
        status: 503,
        title: "Not now",
        says: ["We cannot connect workspaces at this moment. Nothing was changed.", again],
      };
    case "unavailable":
      return { status: 503, title: "Not now", says: ["The platform or we could not do it at this moment.", again] };
    case "not_known_yet":
      return {
        status: 503,
        title: "Not known yet",
        says: ["It takes longer than usual. It may or may not be connected.", again],
      };
    case "bad_request":
      return { status: 400, title: "This link is damaged", says: ["Nothing was changed.", newLink] };
    case "method":
      return { status: 405, title: "Open this address in a browser", says: ["Nothing was changed."] };
  }
}

function html(outcome: OAuthOutcome, title: string, says: readonly string[]): string {
  const paragraphs = says.map((each) => `<p>${escaped(each)}</p>`).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main data-outcome="${outcome}">
<h1>${escaped(title)}</h1>
${paragraphs}
</main>
</body>
</html>
`;
}

/** Readable on a phone, in the dark, and at any size of letters; colours of 7:1 and more. */
const style = `:root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f4f5f7;color:#1c1f24;\
font:1.125rem/1.5 system-ui,sans-serif}main{box-sizing:border-box;max-width:34rem;width:calc(100% - 2rem);margin:1rem;padding:2rem;border-radius:1rem;\
background:#fff;overflow-wrap:anywhere;border-top:.4rem solid #8a1c1c}main[data-outcome=connected]{border-color:#14653a}h1{margin:0 0 1rem;font-size:1.6rem;\
line-height:1.25}p{margin:.5rem 0 0}@media(prefers-color-scheme:dark){body{background:#14161a;color:#eceef1}main{background:#1f2228}}`;

const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${btoa(String.fromCharCode(...sha256(new TextEncoder().encode(style))))}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Whole characters, and none that turns the direction of the text around it. */
function clipped(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, " ");
  const characters = [...plain];
  return characters.length > nameLengthMax ? `${characters.slice(0, nameLengthMax).join("")}…` : plain;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
