// Adds one golden envelope and never rewrites one: what was once on the wire stays readable.
//
//   node proto/golden-add.ts mio.v1.Message full < message.json
//
// reads protojson and writes golden/mio.v1.Message.full.json and .binpb. A new field needs a new envelope beside the old.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fromJson, fromJsonString, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { protoDir } from "./buf.ts";
import { registry } from "./registry.ts";

const [typeName = "", sample = ""] = process.argv.slice(2);
const schema = registry.getMessage(typeName);
if (!schema || !/^[a-z0-9_]+$/.test(sample)) {
  console.error("usage: node proto/golden-add.ts <message, as mio.v1.Message> <name, as full> < message.json");
  process.exit(2);
}

// There and back once, so that the file has proto field names, whatever spelling came in.
const json: JsonValue = toJson(schema, fromJsonString(schema, await text(process.stdin)), { useProtoFieldName: true });
const file = join(protoDir, "golden", `${typeName}.${sample}`);
// "wx" fails when the file is there.
writeFileSync(`${file}.json`, `${JSON.stringify(json, null, 2)}\n`, { flag: "wx" });
writeFileSync(`${file}.binpb`, toBinary(schema, fromJson(schema, json)), { flag: "wx" });
console.log(`added ${file}.json and .binpb`);
