// The Worker with the tests' own channel instead of the platforms'.
import { workerFetch } from "../worker/host.ts";
import { sampleDoor } from "./door.ts";

export { DirectoryObject } from "../worker/directory-object.ts";
export { UplinkObject } from "../worker/uplink-object.ts";

export default { fetch: workerFetch([sampleDoor]) };
