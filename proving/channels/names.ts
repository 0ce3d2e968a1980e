// The names that a new channel brings with it, all from the one of its folder.
export interface ChannelNames {
  /** With hyphens: of its folder, and of its webhooks' path. */
  folder: string;
  /** With underscores: in messages, subjects and tables. */
  slug: string;
  /** For people. */
  title: string;
  camel: string;
  pascal: string;
}

const pattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const lengthMax = 32;

/** Throws one line when it cannot be a channel's. */
export function namesOf(given: string, title?: string): ChannelNames {
  const folder = given.replaceAll("_", "-");
  if (!pattern.test(folder) || folder.length > lengthMax)
    throw new Error(
      `${JSON.stringify(given)} is no name for a channel: at most ${lengthMax} lower-case letters and digits in words with hyphens, as in acme-chat`,
    );
  const words = folder.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  const pascal = words.join("");
  return {
    folder,
    slug: folder.replaceAll("-", "_"),
    title: title ?? words.join(" "),
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    pascal,
  };
}
