// Where hostile requests go: to the channel's own paths, beside them, and to every other route of the edge.
import type { Forger } from "@mio/shared/channels/conformance/forger.ts";
import { canary } from "../canary.ts";

export function pathsOf({ paths }: Forger): string[] {
  const [own = "/"] = paths;
  const name = own.slice("/webhooks/".length);
  return [
    ...paths,
    `${own}/{account}`,
    `${own}/{account}`,
    `${own}/{account}?a=%20%27&ssl_check=1`,
    `${own}?ssl_check=1`,
    `${own}?${canary}`,
    `${own}/`,
    `/${own}`,
    `${own}/{account}/`,
    `${own}/{account}/more`,
    `${own}/{account}%00`,
    `${own}/{account}%2f..%2f..`,
    `${own}/%7Baccount%7D`,
    `${own}/00000000-0000-0000-0000-000000000000`,
    `${own}/${canary}`,
    `/webhooks/%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    `/webhooks/${name.toUpperCase()}`,
    `/webhooks/${name}%00`,
    `/webhooks/${name}%`,
    `/webhooks/%zz`,
    `/webhooks/../webhooks/${name}`,
    `/webhooks/%2e%2e/${name}`,
    `/webhooks/${name};a=b`,
    `/webhooks/ü✓`,
    "/webhooks/__proto__",
    "/webhooks/constructor/{account}",
    "/webhooks",
    "/webhooks/",
    "/",
    "//",
    "/health",
    "/health/live",
    "/health/ready",
    `/health/${canary}`,
    `/oauth/${name}/callback?code=${canary}&state=${canary}`,
    `/oauth/${name}/callback`,
    `/oauth/${canary}/callback?error=access_denied`,
    `/oauth/%00/callback`,
    `/oauth/${name}/callback?state=${goodState}&code=${canary}`,
    `/oauth/${name}/callback?state=${goodState}&error=${canary}%00%0a`,
    `/oauth/${name}/callback?state=${goodState}&code=%ff%fe`,
    `/oauth/${name}/callback?state=${goodState}&state=${goodState}&code=1`,
    `/oauth/${name}/callback?state=${goodState}&code=${"c".repeat(5_000)}`,
    `/oauth/${name}/callback?${"location=x&".repeat(300)}state=${goodState}&code=1`,
    `/${"a/".repeat(500)}`,
    `${own}?${"a=1&".repeat(1_000)}`,
  ];
}

/** Of the form that core gives; nobody's. */
const goodState = "A".repeat(43);
