// The database itself, as an operator makes it ready.
export { grantServices } from "../../db/grant-services.ts";
export { migrate } from "../../db/migrate.ts";
