<?php
// Waxseal in PHP: send a letter, hear what becomes of it. PHP 8.1, no packages.
//
//     php -S 127.0.0.1:9000 quickstart.php                   # receives; leave it running
//     php quickstart.php report.pdf jan@mail.example         # sends
//
// Reads WAXSEAL_URL and WAXSEAL_API_KEY to send, WAXSEAL_WEBHOOK_SECRET to receive.

declare(strict_types=1);

/** Seals a report: one request, a form of two parts. A request of the same name makes no second letter: try again at will. */
function create(string $report, array $about): array
{
    $boundary = bin2hex(random_bytes(16));
    $body = "--$boundary\r\nContent-Disposition: form-data; name=\"letter\"\r\nContent-Type: application/json\r\n\r\n" . json_encode($about)
        . "\r\n--$boundary\r\nContent-Disposition: form-data; name=\"report\"; filename=\"" . basename($report) . "\"\r\n\r\n"
        . file_get_contents($report) . "\r\n--$boundary--\r\n";
    $answer = file_get_contents(getenv('WAXSEAL_URL') . '/api/v1/letters', false, stream_context_create(['http' => [
        'method' => 'POST', 'content' => $body, 'ignore_errors' => true, 'follow_location' => 0,
        'header' => ['Authorization: Bearer ' . getenv('WAXSEAL_API_KEY'), "Idempotency-Key: {$about['reference']}",
            "Content-Type: multipart/form-data; boundary=$boundary"],
    ]]));
    $letter = json_decode((string) $answer, true);
    return isset($letter['link']) ? $letter : throw new RuntimeException((string) $answer);
}

/** Mails what the answer holds: text, HTML, and the headers of a mail program's button that says no. Your framework's mailer does so, too. */
function send(array $message, string $recipient): void
{
    $part = fn(string $type, string $text) => "Content-Type: $type; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" . chunk_split(base64_encode($text));
    $words = preg_split('/(.{1,10})/us', $message['subject'], -1, PREG_SPLIT_DELIM_CAPTURE | PREG_SPLIT_NO_EMPTY); // RFC 2047
    $subject = implode("\r\n ", array_map(fn($word) => '=?utf-8?B?' . base64_encode($word) . '?=', $words));
    $headers = ['From' => 'garage@shop.example', 'To' => $recipient, 'Subject' => $subject, ...$message['headers'], 'MIME-Version' => '1.0', 'Content-Type' => 'multipart/alternative; boundary=parts'];
    $mail = implode('', array_map(fn($name, $value) => "$name: $value\r\n", array_keys($headers), $headers))
        . "\r\n--parts\r\n" . $part('text/plain', $message['text']) . "--parts\r\n" . $part('text/html', $message['html']) . "--parts--";
    $server = stream_socket_client('tcp://127.0.0.1:' . (getenv('SMTP_PORT') ?: '1025'));
    foreach (['HELO shop.example', 'MAIL FROM:<garage@shop.example>', "RCPT TO:<$recipient>", 'DATA', "$mail\r\n.", 'QUIT'] as $line) {
        $said = fgets($server);
        if ($said === false || $said[0] > '3') {
            throw new RuntimeException("the mail server said: $said");
        }
        fwrite($server, "$line\r\n");
    }
}

/** Takes a webhook (Standard Webhooks). Only what is signed with our secret counts; a message may come twice, under the same webhook-id. */
function receive(): ?array
{
    $body = file_get_contents('php://input');
    [$id, $time, $signatures] = array_map(fn($name) => $_SERVER["HTTP_WEBHOOK_$name"] ?? '', ['ID', 'TIMESTAMP', 'SIGNATURE']);
    $key = base64_decode(substr((string) getenv('WAXSEAL_WEBHOOK_SECRET'), strlen('whsec_')));
    $ours = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
    $signed = array_filter(explode(' ', $signatures), fn($theirs) => hash_equals($ours, $theirs));
    return $signed && strlen($key) >= 24 && abs(time() - (int) $time) < 300 ? json_decode($body, true) : null;
}

if (PHP_SAPI === 'cli-server') {
    $event = receive();
    http_response_code($event ? 204 : 400);
    error_log($event ? "verified: {$event['type']} " . ($event['data']['letter'] ?? '') : 'refused: not signed with our secret, or too old');
} elseif ($argc === 3) {
    $letter = create($argv[1], ['subject' => 'Inspection of your car', 'customer' => 'C-1042', 'reference' => bin2hex(random_bytes(8))]);
    send($letter['message'], $argv[2]);
    echo "sent: {$letter['letter']}\n";
} else {
    fwrite(STDERR, "usage: php quickstart.php REPORT RECIPIENT\n");
    exit(2);
}
