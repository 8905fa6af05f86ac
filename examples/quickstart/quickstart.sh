#!/bin/sh
# Waxseal with curl: send a letter, hear what becomes of it. Needs curl, jq and openssl, and nc (OpenBSD's) to receive.
#
#     sh quickstart.sh receive                          # waits for one webhook
#     sh quickstart.sh send report.pdf jan@mail.example
#
# Reads WAXSEAL_URL and WAXSEAL_API_KEY to send, WAXSEAL_WEBHOOK_SECRET to receive.
set -eu
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Seals a report: one request, a form of two parts. A request of the same name makes no second letter: try again at will.
create() {
  curl -sS --fail-with-body "$WAXSEAL_URL/api/v1/letters" -H "Authorization: Bearer $WAXSEAL_API_KEY" -H "Idempotency-Key: $2" \
    -F "letter={\"subject\":\"Inspection of your car\",\"customer\":\"C-1042\",\"reference\":\"$2\"};type=application/json" -F "report=@$1"
}

# Mails what the answer holds: text, HTML, and the headers of a mail program's button that says no.
send() {
  jq -r --arg to "$2" '.message | "From: garage@shop.example\nTo: \($to)\nSubject: \([.subject | scan(".{1,10}") | "=?utf-8?B?\(@base64)?="] | join("\n "))",
    (.headers | to_entries[] | "\(.key): \(.value)"), "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=parts\n",
    ({"plain": .text, "html": .html} | to_entries[] |
      "--parts\nContent-Type: text/\(.key); charset=utf-8\nContent-Transfer-Encoding: base64\n\n\(.value | @base64 | [scan(".{1,76}")] | join("\n"))"),
    "--parts--"' "$1" | sed 's/$/\r/' >"$work/mail.eml"
  curl -sS "smtp://127.0.0.1:${SMTP_PORT:-1025}" --mail-from garage@shop.example --mail-rcpt "$2" --upload-file "$work/mail.eml"
}

# Verifies a webhook (Standard Webhooks): HMAC-SHA256 over id, time and body, under the secret behind whsec_.
verify() { # ID TIMESTAMP SIGNATURES, the body in $work/body
  key=$(printf %s "${WAXSEAL_WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
  ours=$({ printf %s "$1.$2." && cat "$work/body"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
  case " $3 " in *" v1,$ours "*) ;; *) return 1 ;; esac
  age=$(($(date +%s) - $2)) && [ "${age#-}" -lt 300 ] && [ "${#key}" -ge 48 ]
}

case "${1-} $#" in
"send 3")
  create "$2" "$(openssl rand -hex 8)" >"$work/letter.json"
  send "$work/letter.json" "$3"
  echo "sent: $(jq -r .letter "$work/letter.json")"
  ;;
"receive 1")
  # curl is no server, so nc takes the request and answers what is written to a pipe.
  mkfifo "$work/answer"
  header() { sed -n "s/^$1: *//Ip" "$work/head" | tr -d '\r'; }
  nc -l -N 127.0.0.1 "${PORT:-9000}" <"$work/answer" | {
    exec 3>"$work/answer"
    while IFS= read -r line && [ "$line" != "$(printf '\r')" ]; do echo "$line"; done >"$work/head"
    head -c "$(header content-length)" >"$work/body"
    if verify "$(header webhook-id)" "$(header webhook-timestamp)" "$(header webhook-signature)"; then
      printf 'HTTP/1.1 204 No Content\r\n\r\n' >&3
      jq -r '"verified: \(.type) \(.data.letter // "")"' "$work/body"
    else
      printf 'HTTP/1.1 400 Bad Request\r\n\r\n' >&3
      echo "refused: not signed with our secret, or too old" >&2
      exit 1
    fi
  }
  ;;
*) echo "usage: quickstart.sh receive | send REPORT RECIPIENT" >&2 && exit 2 ;;
esac
