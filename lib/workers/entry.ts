// What a thread begins with that a node starts. It is the only module that does something when it is loaded, and only on such a thread.
import { defaultPlatform } from "../platform/default.ts";
import { insideThread } from "../platform/inside_thread.ts";
import { THREAD } from "./_settings.ts";
import { runPart } from "./part.ts";

/** This module, wherever it was loaded from. */
export const ENTRY: string = import.meta.url;

const port = insideThread(THREAD);
if (port !== null) void defaultPlatform().then((platform) => runPart(port, platform));
