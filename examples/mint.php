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

const WAXSEAL_NOT_AFTER_RULE
    = 'not_after must be a positive whole number of Unix seconds, at most 4294967295 (not milliseconds)';

/** A key from its number and its 32 secret bytes. */
function waxseal_key(int $kid, string $secret): array
{
    if ($kid < 0 || $kid > 255 || strlen($secret) !== 32) {
        throw new InvalidArgumentException('a key has an id from 0 to 255 and a secret of 32 bytes');
    }
    return ['kid' => $kid, 'secret' => $secret, 'token_key' => hash_hkdf('sha256', $secret, 32, 'waxseal/v1/token')];
}

/** The active key of a keyring. */
function waxseal_active_key(string $keyring_json): array
{
    // A byte order mark in front, which some editors and shells put there, does not count.
    $keyring = json_decode(preg_replace('/^\xEF\xBB\xBF/', '', $keyring_json), true, 8, JSON_THROW_ON_ERROR);
    foreach ($keyring['keys'] as $key) {
        if ($key['id'] === $keyring['active']) {
            return waxseal_key($key['id'], (string) base64_decode($key['secret'], true));
        }
    }
    throw new InvalidArgumentException('the active key is not in the keyring');
}

/** The token that opens $letter (a UUID) while the time is before $not_after (Unix seconds). */
function waxseal_mint(array $key, string $letter, mixed $not_after): string
{
    $hex = str_replace('-', '', $letter);
    if (strlen($hex) !== 32 || !ctype_xdigit($hex)) {
        throw new InvalidArgumentException('the letter is not a UUID');
    }
    // An `int` in the signature would take 1.5, true and "1" from a caller without strict types.
    if (!is_int($not_after) || $not_after < 1 || $not_after > 0xffffffff) {
        throw new InvalidArgumentException(WAXSEAL_NOT_AFTER_RULE);
    }
    $raw = chr(1) . chr($key['kid']) . hex2bin($hex) . pack('N', $not_after);
    $raw .= substr(hash_hmac('sha256', $raw, $key['token_key'], true), 0, 16);
    $raw .= substr(hash('sha256', $raw, true), 0, 3);
    return waxseal_base32($raw);
}

function waxseal_link(array $key, string $site, string $letter, mixed $not_after): string
{
    return rtrim($site, '/') . '/' . waxseal_mint($key, $letter, $not_after);
}

/** Unix seconds from text. A cast alone makes 0 of what is no number, and cuts what is more. */
function waxseal_seconds(string $text): int
{
    if (!preg_match('/\A[0-9]{1,10}\z/', $text)) {
        throw new InvalidArgumentException(WAXSEAL_NOT_AFTER_RULE);
    }
    return (int) $text;
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
    echo waxseal_link($key, $argv[1], $argv[2], waxseal_seconds($argv[3] ?? (string) (time() + 30 * 86400))), "\n";
}
