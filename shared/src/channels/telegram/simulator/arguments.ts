// The arguments of a Bot API call, in any of the ways that Telegram takes them: query, form, multipart or JSON. Telegram reads
// every value as text and nested ones as JSON text, so "42" and 42 are the same.

export class Arguments {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /** Empty when absent. */
  text(name: string): string {
    return this.#values.get(name) ?? "";
  }

  has(name: string): boolean {
    return this.text(name) !== "";
  }

  /** A positive whole number, as text without leading zeros; undefined when absent or anything else. */
  id(name: string): string | undefined {
    const match = /^0*([1-9]\d{0,15})$/.exec(this.text(name));
    return match?.[1];
  }

  flag(name: string): boolean {
    return ["true", "yes", "1"].includes(this.text(name).toLowerCase());
  }

  /** A nested object or array; undefined when absent or not JSON. */
  json(name: string): unknown {
    try {
      return JSON.parse(this.text(name));
    } catch {
      return undefined;
    }
  }
}

/** Undefined when the body is not of the form that its type says. */
export async function argumentsOf(request: Request): Promise<Arguments | undefined> {
  const values = new Map(new URL(request.url).searchParams);
  const type = request.headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (request.method === "GET") return new Arguments(values);
  try {
    if (type === "application/json") {
      const body: unknown = JSON.parse((await request.text()) || "{}");
      if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
      for (const [name, value] of Object.entries(body)) {
        if (value !== null && value !== undefined) values.set(name, typeof value === "string" ? value : JSON.stringify(value));
      }
    } else if (type === "application/x-www-form-urlencoded" || type === "multipart/form-data") {
      for (const [name, value] of await request.formData()) if (typeof value === "string") values.set(name, value);
    }
  } catch {
    return undefined;
  }
  return new Arguments(values);
}
