//! The examples under each `--help`.

pub(super) const TOP: &str = "\
Examples:
  waxseal keys new --keys keyring.json
  waxseal seal report.pdf --subject 'Your inspection' --url https://letters.example
  waxseal open 'https://letters.example/TOKEN' -o report.pdf
  waxseal inspect TOKEN

Exit status: 0 done, now or earlier; 1 failed or not done; 2 usage error, such as a file that
cannot be read; 130 interrupted.";

pub(super) const KEYS: &str = "\
Examples:
  waxseal keys new --keys keyring.json
  waxseal keys show --keys keyring.json
  waxseal keys rotate --keys keyring.json
  waxseal keys api create kiosk --scope create --url https://letters.example";

pub(super) const KEYS_NEW: &str = "\
Examples:
  waxseal keys new --keys keyring.json
  waxseal keys new --keys keyring.json --id 7";

pub(super) const KEYS_ROTATE: &str = "\
Examples:
  waxseal keys rotate --keys keyring.json
  waxseal keys rotate --keys keyring.json --old-until 2028-12-31
  waxseal keys rotate --keys keyring.json --old-until now
  waxseal keys rotate --keys keyring.json --old-api-until now
  waxseal keys show --keys keyring.json --env | ./scripts/wrangler secret put WAXSEAL_KEYS";

pub(super) const KEYS_REVOKE_API: &str = "\
Examples:
  waxseal keys revoke-api --keys keyring.json
  waxseal keys show --keys keyring.json --env | ./scripts/wrangler secret put WAXSEAL_KEYS";

pub(super) const KEYS_SHOW: &str = "\
Examples:
  waxseal keys show --keys keyring.json
  waxseal keys show --keys keyring.json --env | ./scripts/wrangler secret put WAXSEAL_KEYS
  waxseal keys show --keys keyring.json --dev-vars --output .dev.vars";

pub(super) const SEAL: &str = "\
Examples:
  waxseal seal report.pdf --subject 'Your inspection' --customer C-1042 --letter R-7 --lang nl
  waxseal seal report.pdf --subject 'Your results' --end-to-end --qr
  make-report | waxseal seal - --name report.pdf --subject 'Your offer'
  waxseal seal report.pdf --subject 'Your offer' --message eml --mail-from offers@garage.example \\
      --to jan@mail.example | sendmail -t
  waxseal seal report.pdf --subject 'Your offer' --upload s3://letters \\
      --s3-endpoint https://ACCOUNT.r2.cloudflarestorage.com
  waxseal seal --from letters.csv --subject 'Your inspection' --output links.jsonl

The link goes to standard output, alone. No link is printed unless body and manifest are whole
where they belong. S3 credentials come from the variables AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and, if there is one, AWS_SESSION_TOKEN. A request to a bucket times out
after 30 seconds and one to an edge after 60, plus the time that its bytes need; it is then tried
once more. WAXSEAL_TIMEOUT sets other seconds.

With --from every line is checked before the first letter is sealed. Files are found from where the
CSV file is. Whatever ends the command, the same command goes on: each line is one letter with one
link, also after a crash.";

pub(super) const MINT: &str = "\
Examples:
  waxseal mint 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --keys keyring.json --expires 7d
  waxseal mint 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --url https://letters.example
  waxseal mint 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --expires 2027-01-31 --time-zone Europe/Paris
  waxseal mint 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --message sms --subject 'Your offer'

Nothing is sent, unless a date in --expires has no time zone, or --message lacks your
name, colour, language or time zone: then the edge at --url is asked for the site's.
The key of an end-to-end letter is only in the link that `seal` printed: append its # part.";

pub(super) const INSPECT: &str = "\
Examples:
  waxseal inspect TOKEN
  waxseal inspect 'https://letters.example/TOKEN' --keys keyring.json --json

Without a keyring the token is explained and its signature is not verified.
Exit status: 0 the token is usable (without a keyring: whole), 1 it is not.";

pub(super) const OPEN: &str = "\
Examples:
  waxseal open 'https://letters.example/TOKEN'
  waxseal open 'https://letters.example/TOKEN#KEY' -o report.pdf --consent
  pbpaste | waxseal open - -o report.pdf

A download that breaks off is kept in FILE.waxseal-part; the same command resumes it.
FILE itself appears only when length and SHA-256 are right.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  waxseal completions bash > ~/.local/share/bash-completion/completions/waxseal
  waxseal completions zsh > ~/.zfunc/_waxseal";
