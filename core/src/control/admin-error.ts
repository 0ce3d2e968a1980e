// How an operator's request fails: a code for programs, a sentence that says what to do for people.

type AdminErrorCode = "invalid" | "not_found" | "exists";

export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly code: AdminErrorCode;

  constructor(code: AdminErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
