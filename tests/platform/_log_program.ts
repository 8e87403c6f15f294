// Run by platform.test.ts: what it logs quotes characters that must not reach a terminal.
import { defaultPlatform } from "../../lib/platform/default.ts";

const platform = await defaultPlatform();
platform.log("warning", "one\nerror: two \x1b[31m");
platform.log("info", "plain");
