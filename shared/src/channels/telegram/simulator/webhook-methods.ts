// The methods with which a bot says where its updates go. A webhook and getUpdates exclude each other.
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { App } from "../../simulator/state/state.ts";
import type { MethodCall } from "./call.ts";
import { badRequest, granted, refused } from "./refusals.ts";

const secretPattern = /^[A-Za-z0-9_-]{0,256}$/;

/** The cloud takes https only; a simulator on this machine also http, as Telegram's own local server does. */
export function setWebhook({ kit, app, args }: MethodCall): ApiAnswer {
  const url = args.text("url");
  if (url === "")
    return granted(true, changed({ kit, app }, { webhookUrl: "" }) ? "Webhook was deleted" : "Webhook is already deleted");
  if (!/^https?:\/\/[^/]/.test(url)) return badRequest("bad webhook: An HTTPS URL must be provided for webhook");
  const secret = args.text("secret_token");
  if (!secretPattern.test(secret)) return badRequest("secret token contains unallowed characters");
  const allowed = args.json("allowed_updates");
  if (allowed !== undefined && !Array.isArray(allowed)) return badRequest("can't parse allowed updates JSON object");
  const settings = { ...app.account.settings, ...(allowed === undefined ? {} : { allowed_updates: JSON.stringify(allowed) }) };
  const secrets = secret === "" ? [] : [{ scheme: "telegram-secret-token", value: secret }];
  const isNew = changed({ kit, app }, { webhookUrl: url, account: { ...app.account, settings, secrets } });
  return granted(true, isNew ? "Webhook was set" : "Webhook is already set");
}

export function deleteWebhook({ kit, app }: MethodCall): ApiAnswer {
  return granted(true, changed({ kit, app }, { webhookUrl: "" }) ? "Webhook was deleted" : "Webhook is already deleted");
}

export function getWebhookInfo({ app }: MethodCall): ApiAnswer {
  const allowed = app.account.settings.allowed_updates;
  return granted({
    url: app.webhookUrl,
    has_custom_certificate: false,
    pending_update_count: 0,
    max_connections: 40,
    ...(allowed === undefined ? {} : { allowed_updates: JSON.parse(allowed) }),
  });
}

/** What happened while there was no webhook was told to nobody, so there is nothing to fetch. */
export function getUpdates({ app }: MethodCall): ApiAnswer {
  if (app.webhookUrl === "") return granted([]);
  return refused(
    409,
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  );
}

/** Whether anything is different afterwards. */
function changed({ kit, app }: Pick<MethodCall, "kit" | "app">, change: Partial<App>): boolean {
  const after = { ...app, ...change };
  if (JSON.stringify(after) === JSON.stringify(app)) return false;
  kit.world.putApp(after);
  return true;
}
