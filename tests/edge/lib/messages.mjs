// Messages to and from our Durable Objects: a byte of version, then JSON. Bytes are lists of numbers.

const VERSION = 1;
const plain = (_, value) => (value?.type === "Buffer" ? value.data : value);

/** The message for this value. */
export const encode = (value) => Buffer.concat([Buffer.of(VERSION), Buffer.from(JSON.stringify(value, plain))]);

/** What a message says. */
export function decode(message) {
  if (message[0] !== VERSION) throw new Error(`version ${message[0]}`);
  return JSON.parse(message.subarray(1).toString());
}
