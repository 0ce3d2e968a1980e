// What both hosts' SQLite can do: a Durable Object's storage, and the Node host's file.

export interface Sql {
  /** Runs one statement. Throws when the storage fails. */
  rows(query: string, ...values: (string | number | Uint8Array<ArrayBuffer>)[]): unknown[];
  /** What `write` does is stored whole or not at all. */
  together(write: () => void): void;
}
