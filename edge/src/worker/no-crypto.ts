// Stands in for Node's `crypto`, which nats.ws names in a branch that never runs where Web Crypto is there. An alias in wrangler.toml.
export {};
