/** Characters (Latin-1 bytes) that a node name may have, as an atom. */
const MAX_LENGTH = 255;

/** Printable Latin-1 without space and at sign, as net_kernel asks of host names since OTP 21. */
const PART = "[!-?A-~\\u00a1-\\u00ff]+";
const NODE = new RegExp(`^${PART}@${PART}$`);
const HOST = new RegExp(`^${PART}$`);

/** Whether a text is a whole node name, `name@host`. */
export function isNodeName(text: string): boolean {
  return text.length <= MAX_LENGTH && NODE.test(text);
}

/** Whether a text can be the host of a node name. */
export function isHostName(text: string): boolean {
  return text.length <= MAX_LENGTH && HOST.test(text);
}

/**
 * The two parts of a node name.
 *
 * @throws {RangeError} if it is none.
 */
export function splitNodeName(node: string): { readonly name: string; readonly host: string } {
  if (!isNodeName(node)) {
    throw new RangeError(`Cannot use node name ${JSON.stringify(node)}: it must be name@host`);
  }
  const at = node.indexOf("@");
  return { name: node.slice(0, at), host: node.slice(at + 1) };
}
