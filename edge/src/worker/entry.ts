// What wrangler deploys: the Worker's fetch and the classes of its Durable Objects.
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { workerFetch } from "./host.ts";

export { DirectoryObject } from "./directory-object.ts";
export { UplinkObject } from "./uplink-object.ts";

// The platform looks for a default export.
export default { fetch: workerFetch(inboundDoors) };
