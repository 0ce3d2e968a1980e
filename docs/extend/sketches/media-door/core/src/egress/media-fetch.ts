// The one way to an address that a message brought (G12): names are resolved once and private addresses refused, also behind a redirect; a
// credential goes only to the hosts that the door names.

export interface MediaFetchOptions {
  headers: Readonly<Record<string, string>>;
  credentialHosts: readonly string[];
  redirectsMax: number;
  bytesMax: number;
  signal: AbortSignal;
}

export type MediaAnswer =
  | { kind: "answered"; response: Response }
  | { kind: "refused"; reason: "private_address" | "redirects" | "scheme" };

export type MediaFetch = (url: string, options: MediaFetchOptions) => Promise<MediaAnswer>;
