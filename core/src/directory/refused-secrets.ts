// Accounts whose secrets do not all open: the directory goes on with what it holds of theirs, and all others are not concerned. Nothing that was
// accepted is refused because a key is missing here, and what the directory never held of them it does not learn.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { DirectoryValue } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { accountRoute } from "@mio/shared/bus/wire/directory.ts";
import type { DirectoryAccount } from "../accounts/for-directory.ts";
import { refusalText } from "../accounts/sealing.ts";

export interface RefusedAccount {
  accountId: string;
  reason: string;
}

/** `present` gives what stands in the directory for a route. An account of which nothing stands there is left out, as if it were not made yet. */
export function withPresentSecrets(
  accounts: readonly DirectoryAccount[],
  present: (route: string) => DirectoryValue | undefined,
  nowMs: number,
): { accounts: DirectoryAccount[]; refused: RefusedAccount[] } {
  const refused: RefusedAccount[] = [];
  const known = accounts.flatMap((account) => {
    const [first] = account.refused;
    if (first === undefined) return [account];
    refused.push({ accountId: account.id, reason: refusalText(first) });
    const value = present(accountRoute(account.channel_type, account.id));
    return value === undefined ? [] : [{ ...account, secrets: [...account.secrets, ...missing(account, value, nowMs)] }];
  });
  return { accounts: known, refused };
}

/** Of what stands there, what is still valid and was not opened. */
function missing(
  { secrets }: DirectoryAccount,
  { secrets: present }: DirectoryValue,
  nowMs: number,
): DirectoryAccount["secrets"] {
  return present
    .map(({ scheme, value, notAfter }) => ({ scheme, value, not_after: notAfter ? timestampDate(notAfter) : null }))
    .filter(({ not_after }) => not_after === null || not_after.getTime() > nowMs)
    .filter(({ scheme, value }) => !secrets.some((own) => own.scheme === scheme && own.value === value));
}
