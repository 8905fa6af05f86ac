// Messages to and from our Durable Objects: a byte of version, then CBOR (RFC 8949), as far as tests need it.

const VERSION = 1;

function head(major, value) {
  if (value < 24) return Buffer.of((major << 5) | value);
  const bytes = Buffer.alloc(9);
  bytes[0] = (major << 5) | 27;
  bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}

function written(value) {
  if (typeof value === "number") return head(0, value);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(written)]);
  const fields = Object.entries(value);
  return Buffer.concat([head(5, fields.length), ...fields.flat().map(written)]);
}

/** The message for this value. */
export const encode = (value) => Buffer.concat([Buffer.of(VERSION), written(value)]);

/** What a message says. */
export function decode(message) {
  if (message[0] !== VERSION) throw new Error(`version ${message[0]}`);
  let at = 1;
  const number = (size, read) => {
    at += size;
    return Number(read(at - size));
  };
  const value = () => {
    const [major, low] = [message[at] >> 5, message[at] & 31];
    at += 1;
    if (major === 7) return { 20: false, 21: true, 22: null }[low];
    const reads = { 24: [1, (from) => message.readUInt8(from)], 25: [2, (from) => message.readUInt16BE(from)], 26: [4, (from) => message.readUInt32BE(from)], 27: [8, (from) => message.readBigUInt64BE(from)] };
    const count = low < 24 ? low : number(...reads[low]);
    if (major === 0) return count;
    if (major === 2 || major === 3) {
      const bytes = message.subarray(at, (at += count));
      return major === 2 ? bytes : bytes.toString();
    }
    if (major === 4) return Array.from({ length: count }, value);
    return Object.fromEntries(Array.from({ length: count }, () => [value(), value()]));
  };
  return value();
}
