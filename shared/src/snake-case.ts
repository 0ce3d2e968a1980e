// Core's `/status` and the edge's `/health` speak as the log lines and the metrics do: names in snake_case.

/** The record with its names in snake_case; its values stay as they are. */
export function snakeCase(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`), value]),
  );
}
