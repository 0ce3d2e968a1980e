// dedup in a process of its own, so that it can be killed and paused for real at a named point. Started by `startChild` of stand.ts.
import { dedup } from "@mio/core/dedup/service.ts";
import { connectTo } from "../bus/connection.ts";
import { runInChild } from "../core/in-child.ts";

await runInChild((url) => connectTo(url, { inboxPrefix: "_INBOX_core" }), dedup.run);
