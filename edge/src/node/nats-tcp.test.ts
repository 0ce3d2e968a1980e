// What every link claims, over real TCP.
import { tcp } from "../testing/host.ts";
import { linkClaims } from "../testing/link-claims.ts";
import { tcpLink } from "./nats-tcp.ts";

linkClaims(tcp, tcpLink);
