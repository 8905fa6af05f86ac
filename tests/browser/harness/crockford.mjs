// The fragment key's spelling, written independently of the viewer's reader.
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

export function encodeKey(bytes) {
  let value = BigInt(`0x${bytes.toString("hex")}`) << 2n;
  let text = "";
  for (let i = 0; i < 26; i += 1) {
    text = ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}
