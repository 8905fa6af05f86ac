<?php
// Seal a report and upload it, without the program `waxseal`. PHP 8.1 with its openssl extension, and mint.php beside this file: copy
// both into your backend. docs/SEAL.md specifies every byte. Memory does not grow with the report.
//
// As a library, with a key of the API that has the scope `create`:
//
//     require 'seal.php';
//     [$letter, $path] = waxseal_seal(getenv('WAXSEAL_KEYS'), fopen('report.pdf', 'rb'), waxseal_upload($site, $api_key), [
//         'file_name' => 'report.pdf', 'media_type' => 'application/pdf', 'subject' => 'Your report', 'not_after' => 1790000000,
//     ]);
//     $link = "$site/$path";
//
// From the command line it prints the link (NOT_AFTER in Unix seconds; 30 days from now if left out):
//
//     WAXSEAL_KEYS='{"active":1,"keys":[...]}' WAXSEAL_API_KEY=wsk_... \
//       php seal.php [--end-to-end] FILE MEDIA_TYPE SUBJECT https://letters.example [NOT_AFTER]
//
// With a folder in place of the site it writes the two objects there, for your own upload to the bucket, and prints the link's path.

declare(strict_types=1);

require_once __DIR__ . '/mint.php';

const WAXSEAL_RECORD_SIZE = 65536;
const WAXSEAL_PART = 8 * 1024 * 1024; // parts of an upload have one size, of 5 MiB at least

/**
 * Seals $source, a stream, into $put, which is called with the name of an object and its bytes in pieces. $about holds the manifest's
 * fields that are yours to say. Answers the letter's UUID and the path of its link. The key of an end-to-end letter is in that path only.
 */
function waxseal_seal(string $keyring_json, $source, callable $put, array $about, bool $end_to_end = false, ?string $letter = null): array
{
    $key = waxseal_active_key($keyring_json);
    $letter ??= waxseal_uuid7();
    $uuid = hex2bin(str_replace('-', '', $letter));
    $path = waxseal_mint($key, $letter, $about['not_after']); // refuses a wrong end before anything is sealed
    $input_key = $end_to_end ? random_bytes(16) : hash_hkdf('sha256', $key['secret'], 32, 'waxseal/v1/seal', $uuid);
    $report = new WaxsealCounted($source);
    $put("letters/$letter/body", waxseal_body($input_key, random_bytes(16), $report));
    $manifest = [
        'v' => 1, 'letter' => $letter, 'format' => 'aes128gcm', 'mode' => $end_to_end ? 'end-to-end' : 'edge-opened',
        'record_size' => WAXSEAL_RECORD_SIZE, 'length' => $report->length, 'sha256' => hash_final($report->sha256),
        'issued_at' => time(), ...$about,
    ];
    if ($end_to_end) {
        $path .= '#' . waxseal_base32($input_key);
        $manifest['key_check'] = bin2hex(hash_hkdf('sha256', $input_key, 4, 'waxseal/v1/key-check', $uuid));
    }
    // Last: a letter exists once its manifest does.
    $put("letters/$letter/manifest", [waxseal_manifest($key, $uuid, random_bytes(12), $manifest)]);
    return [$letter, $path];
}

/** RFC 8188 `aes128gcm` without padding or key id, a record at a time. */
function waxseal_body(string $input_key, string $salt, WaxsealCounted $source, int $record_size = WAXSEAL_RECORD_SIZE): Generator
{
    yield $salt . pack('NC', $record_size, 0);
    $key = hash_hkdf('sha256', $input_key, 16, "Content-Encoding: aes128gcm\0", $salt);
    $base = hash_hkdf('sha256', $input_key, 12, "Content-Encoding: nonce\0", $salt);
    $size = $record_size - 17; // one delimiter byte and a tag of 16
    $data = $source->read($size);
    for ($number = 0; ; $number++) {
        $next = strlen($data) === $size ? $source->read($size) : '';
        $nonce = $base ^ pack('NJ', 0, $number);
        yield waxseal_gcm('aes-128-gcm', $key, $nonce, $data . ($next === '' ? "\2" : "\1"));
        if ($next === '') {
            return;
        }
        $data = $next;
    }
}

/** The manifest, encrypted for the edge. */
function waxseal_manifest(array $key, string $uuid, string $nonce, array $manifest): string
{
    $manifest_key = hash_hkdf('sha256', $key['secret'], 32, 'waxseal/v1/manifest', $uuid);
    $text = json_encode($manifest, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    return pack('CC', 1, $key['kid']) . $nonce . waxseal_gcm('aes-256-gcm', $manifest_key, $nonce, $text, $uuid);
}

function waxseal_gcm(string $cipher, string $key, string $nonce, string $plaintext, string $associated = ''): string
{
    $sealed = openssl_encrypt($plaintext, $cipher, $key, OPENSSL_RAW_DATA, $nonce, $tag, $associated, 16);
    return $sealed !== false ? $sealed . $tag : throw new RuntimeException('OpenSSL: ' . openssl_error_string());
}

/** A version 7 UUID (RFC 9562): letters then lie in the bucket in the order of their days. */
function waxseal_uuid7(): string
{
    $raw = substr(pack('J', (int) (microtime(true) * 1000)), 2) . random_bytes(10);
    $raw[6] = chr(0x70 | ord($raw[6]) & 0x0f);
    $raw[8] = chr(0x80 | ord($raw[8]) & 0x3f);
    return preg_replace('/^(.{8})(.{4})(.{4})(.{4})/', '$1-$2-$3-$4-', bin2hex($raw));
}

/** A stream of which `read` answers all that was asked for until its end, with length and SHA-256 of what was read. */
class WaxsealCounted
{
    public int $length = 0;
    public HashContext $sha256;

    public function __construct(private $source)
    {
        $this->sha256 = hash_init('sha256');
    }

    public function read(int $size): string
    {
        $data = stream_get_contents($this->source, $size);
        if ($data === false) {
            throw new RuntimeException('the report cannot be read');
        }
        $this->length += strlen($data);
        hash_update($this->sha256, $data);
        return $data;
    }
}

/** Keeps the objects of a letter below a folder. */
function waxseal_folder(string $folder): callable
{
    return function (string $name, iterable $chunks) use ($folder): void {
        $target = "$folder/$name";
        if (!is_dir(dirname($target))) {
            mkdir(dirname($target), 0777, true);
        }
        $file = fopen($target, 'wb') ?: throw new RuntimeException("$target cannot be written");
        foreach ($chunks as $chunk) {
            if (fwrite($file, $chunk) !== strlen($chunk)) {
                throw new RuntimeException("$target cannot be written whole");
            }
        }
        fclose($file);
    };
}

/** Stores the objects of a letter through the API of a site: https://letters.example. */
function waxseal_upload(string $site, string $api_key): callable
{
    if (!str_starts_with($site, 'https://') && !in_array(parse_url($site, PHP_URL_HOST), ['127.0.0.1', 'localhost'], true)) {
        throw new InvalidArgumentException('the site\'s address begins with https://: a key must not travel in the clear');
    }
    $call = fn(string $method, string $path, string $body = '') =>
        waxseal_call($method, rtrim($site, '/') . "/api/v1/$path", $api_key, $body);
    return function (string $name, iterable $chunks) use ($call): void {
        $parts = waxseal_in_parts($chunks);
        $part = $parts->current();
        $parts->next();
        if (!$parts->valid()) {
            $call('PUT', $name, $part);
            return;
        }
        $uploads = preg_replace('/body$/', 'uploads', $name);
        $upload = "$uploads/{$call('POST', $uploads)['upload']}";
        try {
            for ($listed = []; $part !== null; $part = $parts->current(), $parts->next()) {
                $number = count($listed) + 1;
                $listed[] = ['part' => $number, 'etag' => $call('PUT', "$upload/$number", $part)['etag']];
            }
            $call('POST', "$upload/complete", json_encode(['parts' => $listed]));
        } catch (Throwable $error) {
            $call('DELETE', $upload);
            throw $error;
        }
    };
}

function waxseal_call(string $method, string $url, string $api_key, string $body): ?array
{
    $headers = ["Authorization: Bearer $api_key", 'Content-Type: application/octet-stream', 'Content-Length: ' . strlen($body)];
    $http = ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'follow_location' => 0, 'timeout' => 300];
    $stream = @fopen($url, 'rb', false, stream_context_create(['http' => $http]))
        ?: throw new RuntimeException("$method $url: no answer: " . (error_get_last()['message'] ?? ''));
    $status = (int) explode(' ', stream_get_meta_data($stream)['wrapper_data'][0])[1];
    $answer = json_decode((string) stream_get_contents($stream), true);
    if ($status >= 300) {
        // Who shows no right key gets a page that says nothing.
        throw new RuntimeException("$method $url: $status: " . ($answer['detail'] ?? 'is this a site, and the key right?'));
    }
    return $answer;
}

/** The same bytes in pieces of WAXSEAL_PART bytes; the last may be shorter. */
function waxseal_in_parts(iterable $chunks): Generator
{
    $held = '';
    foreach ($chunks as $chunk) {
        $held .= $chunk;
        if (strlen($held) > WAXSEAL_PART) {
            yield substr($held, 0, WAXSEAL_PART);
            $held = substr($held, WAXSEAL_PART);
        }
    }
    yield $held;
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    $words = array_values(array_diff(array_slice($argv, 1), ['--end-to-end']));
    if (count($words) !== 4 && count($words) !== 5) {
        fwrite(STDERR, "usage: WAXSEAL_KEYS=... WAXSEAL_API_KEY=... php seal.php [--end-to-end] FILE MEDIA_TYPE SUBJECT SITE|FOLDER [NOT_AFTER]\n");
        exit(1);
    }
    [$file, $media_type, $subject, $target] = $words;
    $is_site = preg_match('~^https?://~', $target) === 1;
    $put = $is_site ? waxseal_upload($target, (string) getenv('WAXSEAL_API_KEY')) : waxseal_folder($target);
    $about = [
        'file_name' => basename($file), 'media_type' => $media_type, 'subject' => $subject,
        'not_after' => waxseal_seconds($words[4] ?? (string) (time() + 30 * 86400)),
    ];
    $source = fopen($file, 'rb') ?: exit(1);
    [, $path] = waxseal_seal((string) getenv('WAXSEAL_KEYS'), $source, $put, $about, in_array('--end-to-end', $argv, true));
    echo $is_site ? rtrim($target, '/') . "/$path" : $path, "\n";
}
