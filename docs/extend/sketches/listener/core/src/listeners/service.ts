// Listeners: the accounts that a socket serves, each socket with one owner among the replicas.
import type { Service } from "@mio/core/service.ts";

export declare const listeners: Service;
