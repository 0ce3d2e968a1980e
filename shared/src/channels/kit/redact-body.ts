// Secrets that a platform puts into the body of its webhooks (a channel's `secretBodyFields`), taken out before a body is kept. It works
// on bytes, not on parsed values, because what is kept is often kept for being no JSON; every other byte stays as it was.

/** Stands where a secret stood. */
const redacted = "redacted";

/**
 * Replaces the values of these fields. `name`: a member of JSON at any depth, or a field of a form; `field.name`: a member of the JSON that
 * a form's field holds. The same words within somebody's text are not touched: there the quotes are escaped, or "&" is encoded.
 */
export function redactBody(body: Uint8Array<ArrayBuffer>, fields: readonly string[]): Uint8Array<ArrayBuffer> {
  if (fields.length === 0 || body.length === 0) return body;
  const before = textOfBytes(body);
  const redact = /^\s*[{[]/.test(before) ? redactJson : redactForm;
  const after = fields.reduce((text, field) => redact(text, field), before);
  return after === before ? body : bytesOfText(after);
}

/** Also a value that the end of the body cuts off. */
function redactJson(text: string, field: string): string {
  const name = escaped(field);
  const member = new RegExp(`("${name}"\\s*:\\s*)(?:"[^"\\\\]*(?:\\\\[\\s\\S][^"\\\\]*)*(?:"|\\\\?$)|-?\\d[\\d.eE+-]*)`, "g");
  return text.replace(member, `$1"${redacted}"`);
}

function redactForm(text: string, field: string): string {
  const [name = "", inner] = field.split(".");
  const wholeField = new RegExp(`((?:^|&)${escaped(name)}=)([^&]+)`, "g");
  if (inner === undefined) return text.replace(wholeField, `$1${redacted}`);
  return text.replace(wholeField, (_, head: string, value: string) => `${head}${redactEncodedJson(value, inner)}`);
}

/** As `redactJson`, of what is percent-encoded. */
function redactEncodedJson(value: string, name: string): string {
  const space = "(?:%20|%09|%0[Aa]|%0[Dd]|\\+)*";
  const member = new RegExp(`(%22${escaped(name)}%22${space}%3[Aa]${space}%22)(?:[^%]|%5[Cc]%..|%(?!22|5[Cc]))*`, "g");
  return value.replace(member, `$1${redacted}`);
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** One character a byte, whatever the encoding: "latin1" of TextDecoder is another one. */
function textOfBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8_192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8_192)));
  return parts.join("");
}

function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
