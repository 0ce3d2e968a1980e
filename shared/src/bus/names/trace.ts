// The trace context that one message carries through all parts, in the form of W3C Trace Context.

const form = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace that a `traceparent` names: 32 hexadecimal digits; undefined when the text has not its form. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : form.exec(traceparent)?.[1];
}

/** True for one that may be passed on: of a version that is one, and with ids that are not all zeros. */
export function isValidTraceparent(text: string): boolean {
  return form.test(text) && !/^ff|^..-0{32}|-0{16}-/.test(text);
}
