// What no log may tell of a request.

/** Stands in bodies, paths and headers; must never stand in a log. */
export const canary = "c4n4ry";
