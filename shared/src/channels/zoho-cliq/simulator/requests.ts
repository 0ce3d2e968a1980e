// Reading an API request as strictly as Cliq does: a key that it does not know is refused by name, before anything is done.
import type { ApiAnswer } from "../../simulator/api-call.ts";

/** A refusal in Cliq's words. */
export class CliqRefusal extends Error {
  override readonly name = "CliqRefusal";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  answer(): ApiAnswer {
    return { response: Response.json({ code: this.code, message: this.message }, { status: this.status }), error: this.code };
  }
}

export type Kind = "string" | "boolean" | "object";

/** The body's keys, each of the kind said; `required` must be there and not empty. */
export function strictBody(
  text: string,
  kinds: Readonly<Record<string, Kind>>,
  required: readonly string[],
): Record<string, unknown> {
  const body = objectOf(text);
  for (const [key, value] of Object.entries(body)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
    if (kind === undefined) throw new CliqRefusal(400, "extra_key_found", `Extra key found: ${key}`);
    if (value === null || typeof value !== kind)
      throw new CliqRefusal(400, "invalid.inputs.submitted", `Invalid value for ${key}`);
  }
  for (const key of required) {
    if (body[key] === undefined || body[key] === "") throw new CliqRefusal(400, "param_missing", `Missing parameter: ${key}`);
  }
  if (typeof body.text === "string" && body.text.length > textLengthMax) {
    throw new CliqRefusal(400, "invalid_parameters", `text is longer than ${textLengthMax} characters`);
  }
  return body;
}

export const textLengthMax = 5_000;

function objectOf(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
  throw new CliqRefusal(400, "invalid.inputs.submitted", "The body is not a JSON object");
}

export function textOf(body: Readonly<Record<string, unknown>>, key: string): string {
  const value = body[key];
  return typeof value === "string" ? value : "";
}
