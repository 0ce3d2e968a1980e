// A deliberate fault: one place in the code made wrong, and the guarantee whose test must then fail. Applying it is pure text work,
// and a place that is not found exactly once is an error, so that a fault cannot rot away unseen.

/** A test that must fail: its file, and what its full name (describe and it, joined by ` > `) must match. */
export interface ExpectedFailure {
  file: string;
  name: RegExp;
}

export interface Fault {
  /** Kebab-case. The promise that it breaks is that of its table (`tables.ts`). */
  name: string;
  /** What is wrong now, in one sentence. */
  description: string;
  /** Path from the root of the tree. */
  file: string;
  /** Exact text, or a pattern; must be found exactly once. */
  find: string | RegExp;
  /** As in String.replace when `find` is a pattern (`$1`); taken literally when it is a text. */
  replace: string;
  /** At least one of these must fail. */
  tests: readonly ExpectedFailure[];
}

/** The sabotaged text. Throws when the place is missing, stands twice, or would not change. */
export function sabotaged(text: string, fault: Fault): string {
  const { find, replace, file, name } = fault;
  const count = typeof find === "string" ? text.split(find).length - 1 : [...text.matchAll(everywhere(find))].length;
  if (count !== 1)
    throw new Error(
      `${name}: the place to break stands ${count} times in ${file}; it must stand there once: quote the present text in the fault's "find"`,
    );
  const result = typeof find === "string" ? text.replace(find, () => replace) : text.replace(find, replace);
  if (result === text) throw new Error(`${name}: nothing would change in ${file}`);
  return result;
}

/** What to say of a file that is not there, in a tree whose files move. */
export function goneFrom(file: string): string {
  return `there is no ${file}; git show -M --stat "$(git log -1 --format=%h -- ${file})" tells where it went`;
}

function everywhere(pattern: RegExp): RegExp {
  return pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`);
}
