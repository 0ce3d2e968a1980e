// How an app says what it wants: JSON, a form, or a query; a token in the header or among the arguments.

/** Every argument as text: objects and numbers as their JSON, as a form would carry them. */
export type Arguments = Readonly<Record<string, string>>;

export type ReadArguments = { kind: "arguments"; args: Arguments; token: string } | { kind: "refused"; error: string };

export async function readArguments(request: Request): Promise<ReadArguments> {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const contentType = (request.headers.get("content-type") ?? "").toLowerCase();
  const body = await request.text();
  let args: Record<string, string> = query;
  if (contentType.startsWith("application/json")) {
    const given = jsonArguments(body);
    if (!given) return { kind: "refused", error: body.trim().startsWith("[") ? "json_not_object" : "invalid_json" };
    args = { ...query, ...given };
  } else if (contentType.startsWith("application/x-www-form-urlencoded")) {
    args = { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
  } else if (contentType.startsWith("multipart/form-data")) {
    return { kind: "refused", error: "invalid_form_data" };
  } else if (body !== "") {
    return { kind: "refused", error: contentType === "" ? "missing_post_type" : "invalid_post_type" };
  }
  const bearer = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  return { kind: "arguments", args, token: bearer ?? args.token ?? "" };
}

/** Undefined for what is no JSON object, or nested too deep to be written again. */
function jsonArguments(text: string): Record<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const given = Object.entries(value).filter(([, each]) => each !== null);
    return Object.fromEntries(given.map(([name, each]) => [name, typeof each === "string" ? each : JSON.stringify(each)]));
  } catch {
    return undefined;
  }
}
