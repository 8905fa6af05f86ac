"""Waxseal in Python: send a letter, hear what becomes of it. Needs `pip install standardwebhooks`.

    python3 quickstart.py receive                          # leave it running
    python3 quickstart.py send report.pdf jan@mail.example

Reads WAXSEAL_URL and WAXSEAL_API_KEY to send, WAXSEAL_WEBHOOK_SECRET to receive.
"""

import json
import os
import smtplib
import sys
import urllib.request
import uuid
from email.message import EmailMessage
from email.policy import SMTP
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError


def create(report: Path, about: dict) -> dict:
    """Seals a report: one request, a form of two parts. A request of the same name makes no second letter: try again at will."""
    boundary = uuid.uuid4().hex
    head = (f'--{boundary}\r\nContent-Disposition: form-data; name="letter"\r\nContent-Type: application/json\r\n\r\n'
            f'{json.dumps(about)}\r\n--{boundary}\r\nContent-Disposition: form-data; name="report"; filename="{report.name}"\r\n\r\n')
    request = urllib.request.Request(
        os.environ["WAXSEAL_URL"] + "/api/v1/letters",
        head.encode() + report.read_bytes() + f"\r\n--{boundary}--\r\n".encode(),
        {"Idempotency-Key": about["reference"], "Content-Type": f"multipart/form-data; boundary={boundary}"})
    request.add_unredirected_header("Authorization", "Bearer " + os.environ["WAXSEAL_API_KEY"])
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def send(message: dict, recipient: str) -> None:
    """Mails what the answer holds: text, HTML, and the headers of a mail program's button that says no."""
    mail = EmailMessage(SMTP.clone(max_line_length=900))  # with the 78 of old a link in a header is taken to pieces
    mail["From"], mail["To"], mail["Subject"] = "garage@shop.example", recipient, message["subject"]
    for name, value in message["headers"].items():
        mail[name] = value
    mail.set_content(message["text"])
    mail.add_alternative(message["html"], subtype="html")
    with smtplib.SMTP("127.0.0.1", int(os.environ.get("SMTP_PORT", "1025"))) as server:
        server.send_message(mail)


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks. Only what is signed with our secret counts; a message may come twice, under the same webhook-id."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = Webhook(os.environ["WAXSEAL_WEBHOOK_SECRET"]).verify(body, dict(self.headers.items()))
        except WebhookVerificationError as error:
            return self.send_error(400, str(error))
        print("verified:", event["type"], event["data"].get("letter", ""), flush=True)
        self.send_response(204)
        self.end_headers()


if sys.argv[1:] == ["receive"]:
    HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
elif sys.argv[1:2] == ["send"] and len(sys.argv) == 4:
    letter = create(Path(sys.argv[2]), {"subject": "Inspection of your car", "customer": "C-1042", "reference": str(uuid.uuid4())})
    send(letter["message"], sys.argv[3])
    print("sent:", letter["letter"])
else:
    sys.exit(__doc__)
