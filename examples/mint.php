<?php
// Mint Waxseal links. PHP 8, no packages: copy this file into your backend.
//
// As a library:
//
//     require 'mint.php';
//     $key = waxseal_active_key(getenv('WAXSEAL_KEYS'));
//     $url = waxseal_link($key, 'https://letters.example', $letter, $not_after);
//
// From the command line (NOT_AFTER in Unix seconds; 30 days from now if left out):
//
//     WAXSEAL_KEYS='{"active":1,"keys":[...]}' php mint.php https://letters.example LETTER [NOT_AFTER]

declare(strict_types=1);

/** A key from its number and its 32 secret bytes. */
function waxseal_key(int $kid, string $secret): array
{
    if ($kid < 0 || $kid > 255 || strlen($secret) !== 32) {
        throw new InvalidArgumentException('a key has an id from 0 to 255 and a secret of 32 bytes');
    }
    return ['kid' => $kid, 'token_key' => hash_hkdf('sha256', $secret, 32, 'waxseal/v1/token')];
}

/** The active key of a keyring. */
function waxseal_active_key(string $keyring_json): array
{
    $keyring = json_decode($keyring_json, true, 8, JSON_THROW_ON_ERROR);
    foreach ($keyring['keys'] as $key) {
        if ($key['id'] === $keyring['active']) {
            return waxseal_key($key['id'], (string) base64_decode($key['secret'], true));
        }
    }
    throw new InvalidArgumentException('the active key is not in the keyring');
}

/** The token that opens $letter (a UUID) while the time is before $not_after (Unix seconds). */
function waxseal_mint(array $key, string $letter, int $not_after): string
{
    $hex = str_replace('-', '', $letter);
    if (strlen($hex) !== 32 || !ctype_xdigit($hex)) {
        throw new InvalidArgumentException('the letter is not a UUID');
    }
    if ($not_after < 0 || $not_after > 0xffffffff) {
        throw new InvalidArgumentException('not_after does not fit 32 bits');
    }
    $raw = chr(1) . chr($key['kid']) . hex2bin($hex) . pack('N', $not_after);
    $raw .= substr(hash_hmac('sha256', $raw, $key['token_key'], true), 0, 16);
    $raw .= substr(hash('sha256', $raw, true), 0, 3);
    return waxseal_base32($raw);
}

function waxseal_link(array $key, string $site, string $letter, int $not_after): string
{
    return rtrim($site, '/') . '/' . waxseal_mint($key, $letter, $not_after);
}

function waxseal_base32(string $bytes): string
{
    $bits = '';
    foreach (str_split($bytes) as $byte) {
        $bits .= sprintf('%08b', ord($byte));
    }
    $text = '';
    foreach (str_split($bits, 5) as $five) {
        $text .= '0123456789abcdefghjkmnpqrstvwxyz'[bindec(str_pad($five, 5, '0'))];
    }
    return $text;
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    if ($argc !== 3 && $argc !== 4) {
        fwrite(STDERR, "usage: WAXSEAL_KEYS=... php mint.php SITE LETTER [NOT_AFTER]\n");
        exit(1);
    }
    $key = waxseal_active_key((string) getenv('WAXSEAL_KEYS'));
    echo waxseal_link($key, $argv[1], $argv[2], (int) ($argv[3] ?? time() + 30 * 86400)), "\n";
}
