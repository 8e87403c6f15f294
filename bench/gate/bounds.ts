import { fileURLToPath } from "node:url";

/** What was accepted. */
export const BOUNDS_FILE: string = fileURLToPath(new URL("../gate.json", import.meta.url));
