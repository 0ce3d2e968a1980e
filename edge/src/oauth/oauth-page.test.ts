// The page alone; both hosts show it in proving/kit/claims/oauth-claims.ts.
import { expect, it } from "vitest";
import { oauthPage } from "./oauth-page.ts";

it("G11: shows names as names, whatever people call their workspace", async () => {
  for (const outcome of ["connected", "taken"] as const)
    for (const name of ["<script>x</script>", "</title><b>", "\"><img src=x onerror='x'>", "&lt;b&gt;", "]]>", "<!--"]) {
      const html = await oauthPage(outcome, { workspace: name, tenant: name }).text();
      const bare = await oauthPage(outcome, { workspace: "w", tenant: "t" }).text();
      const tags = (text: string) => text.match(/<[^>]*>/g);
      expect(tags(html)).toEqual(tags(bare));
      expect(html).not.toContain(name);
    }
});

it("shortens a long name at a whole character, and says nothing where there is none", async () => {
  const html = await oauthPage("connected", { workspace: "🙂".repeat(500), tenant: "" }).text();
  expect(html).toContain(`“${"🙂".repeat(120)}…” is connected.`);
  expect(await oauthPage("connected").text()).toContain("<p>The workspace is connected.</p>");
});
