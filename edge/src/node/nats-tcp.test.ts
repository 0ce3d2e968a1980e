// What every link claims, over real TCP.

import { linkClaims } from "@mio/proving/kit/claims/link-claims.ts";
import { tcp } from "@mio/proving/kit/edge/host.ts";
import { tcpLink } from "./nats-tcp.ts";

linkClaims(tcp, tcpLink);
