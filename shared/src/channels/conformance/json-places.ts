// Where values stand in a JSON value, and the same value with another one there.

/** A path to every value in it, at any depth: the empty one leads to itself. */
export function placesIn(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner).map((path) => [key, ...path]))];
}

export function replacedAt(value: unknown, [key, ...rest]: string[], other: unknown): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return other;
  if (Array.isArray(value)) return value.map((inner, index) => (String(index) === key ? replacedAt(inner, rest, other) : inner));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? replacedAt(inner, rest, other) : inner]),
  );
}
