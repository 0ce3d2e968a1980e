// Cliq writes one message id in several spellings: webhooks say `1777804687057%20137127178967`, decoded that is a space,
// history joins the same pair with "_". Everything that we store uses the last; calls encode the decoded one exactly once.

const pairPattern = /^(\d{10,16})(?:%20|[ _])(\d{1,30})$/;

/** The one spelling for our keys: `<epoch ms>_<number>`. An id of another form (a relay script's own) stays as it is. */
export function canonicalMessageId(id: string): string {
  return id.replace(pairPattern, "$1_$2");
}

/** The decoded spelling, for JSON bodies and, encoded, for URL paths. */
export function spacedMessageId(id: string): string {
  return id.replace(pairPattern, "$1 $2");
}

/** When the message was made, by the platform's clock, where its id says so: also in the `DM_<epoch ms>_…` of relay scripts. */
export function epochMsOfMessageId(id: string): number | undefined {
  const match = /^(?:DM_)?(\d{13})(?:%20|[ _])/.exec(id);
  return match ? Number(match[1]) : undefined;
}

/**
 * The source_message_id of a message: `<chat id>:<canonical message id>`. The organisation is left out on purpose: an
 * account is one organisation, some events do not name it, and a sent message must get the id that its echo would have.
 */
export function sourceMessageIdText(chatId: string, messageId: string): string {
  return `${chatId}:${canonicalMessageId(messageId)}`;
}

/**
 * The platform's message id out of what names a message to people who have only our events: either spelling, or our own
 * source_message_id of the message, of its edit or of its delete.
 */
export function platformMessageId(chatId: string, text: string): string {
  const named = text.startsWith(`${chatId}:`) ? text.slice(chatId.length + 1).replace(/:(edit:\d+|delete)$/, "") : text;
  return canonicalMessageId(named);
}

/** False for ids that a relay script or we ourselves made, which Cliq has never seen. */
export function isPlatformMessageId(canonicalId: string): boolean {
  return /^\d{10,16}_\d{1,30}$/.test(canonicalId);
}
