// Where bytes are kept for years: one type, three implementations (GCS, S3, a folder for local play), one suite that all of them run.

export interface BlobStore {
  /**
   * Writes under a name that is computed from what it is, so that the same again changes nothing. Reads at most `bytesMax` of `body`; above
   * that nothing is kept. Throws for I/O alone, and the caller tries again.
   */
  put(name: string, body: ReadableStream<Uint8Array>, options: PutOptions): Promise<Put>;
  /** An address that anybody may open until then; undefined: there is no such blob. */
  signedUrl(name: string, expiresInSeconds: number): Promise<string | undefined>;
  delete(name: string): Promise<void>;
}

export interface PutOptions {
  contentType: string;
  bytesMax: number;
  signal: AbortSignal;
}

export type Put = { kind: "stored"; bytes: number; sha256: string } | { kind: "too_large"; bytesMax: number };
