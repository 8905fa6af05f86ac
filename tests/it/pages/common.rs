//! Pages to look at, and what is read of them.

use waxseal::lang::Lang;
use waxseal::pages::{self, By, Choice, Closed, Envelope, History, HistoryRow, Letter, Page, ReceiptEvent};
use waxseal::site::Site;

pub(crate) const PATH: &str = "/0410token";

pub(crate) const ORIGIN: &str = "https://letters.example";
pub(crate) const HOSTILE: &str = r#"<script>alert(1)</script>" onx='y' & {sender} </style>"#;

pub(crate) const CLOSED: [(Closed, u16); 20] = [
    (Closed::ReceiptLater { retry_after_s: 60 }, 503),
    (Closed::Full, 403),
    (Closed::NoRight, 403),
    (Closed::UndoLate, 409),
    (Closed::Expired, 410),
    (Closed::Cancelled, 410),
    (Closed::Refused(By::Reader), 200),
    (Closed::Refused(By::Sender), 200),
    (Closed::Refused(By::Program), 200),
    (Closed::Withdrawn(By::Reader), 200),
    (Closed::Withdrawn(By::Sender), 200),
    (Closed::Withdrawn(By::MailProgram), 200),
    (Closed::Erased, 410),
    (Closed::Missing, 404),
    (Closed::Damaged, 410),
    (Closed::Unavailable { retry_after_s: 30 }, 503),
    (Closed::Busy { retry_after_s: 90 }, 429),
    (Closed::Suspected { retry_after_s: 3600 }, 429),
    (Closed::FormExpired, 400),
    (Closed::FormInvalid, 400),
];

pub(crate) fn site() -> Site {
    Site::from_json(
        r##"{"name":"<b>Garage</b> & \"Zn\"","accent":"#0b6e4f","contact":{"email":"a@b.example","phone":"+31 20 1","url":"https://b.example/x?a=1&b=2",
        "address":"Street 1\n<i>Town</i>"},"privacy_url":"https://b.example/privacy"}"##,
    )
    .unwrap()
}

pub(crate) fn an_envelope<'a>(lang: Lang, terms: &'a str, hash: &'a str) -> Envelope<'a> {
    Envelope {
        lang,
        path: PATH,
        origin: ORIGIN,
        subject: HOSTILE,
        expires_text: "22 December 2026",
        expires_iso: "2026-12-22T23:59:00+01:00",
        terms_text: terms,
        terms_hash_hex: hash,
        nonce: "n0nce",
        retention_days: 366,
        letter: "0192d3a4-b5c6-7d7e-8f90-a1b2c3d4e5f6",
        end_to_end: false,
        key_check: None,
        error: None,
        scripts: &pages::UNNAMED,
        ahead: true,
    }
}

pub(crate) fn a_receipt_event(choice: Choice) -> ReceiptEvent {
    a_receipt_event_by(choice, By::Reader)
}

pub(crate) fn a_receipt_event_by(choice: Choice, by: By) -> ReceiptEvent {
    ReceiptEvent {
        choice,
        by,
        when_text: "22 November 2026".into(),
        when_iso: "2026-11-22T09:14:00Z".into(),
        id: "019ab0c2-1f40-7a31-9d52-6b1f0c9e4a77".into(),
        entry: 7,
        hash: "ab".repeat(32),
    }
}

pub(crate) fn a_question(
    lang: Lang,
    error: Option<pages::ConfirmError>,
    end_to_end: bool,
) -> pages::Confirm<'static> {
    pages::Confirm {
        lang,
        path: PATH,
        nonce: "qu3stion",
        refuse_nonce: "n0nce",
        choices: &[3, 0, 11, 7, 1, 4],
        right: 2,
        decline: false,
        end_to_end,
        error,
    }
}

pub(crate) fn a_letter(lang: Lang) -> Letter<'static> {
    Letter {
        lang,
        path: PATH,
        subject: HOSTILE,
        expires_text: "22 December 2026",
        expires_iso: "2026-12-22T23:59:00+01:00",
        consented_text: Some("22 November 2026"),
        consented_iso: Some("2026-11-22T09:14:00+01:00"),
        end_to_end: false,
        length: 1_234_567,
        body_length: 1_234_911,
        record_size: 65_536,
        sha256_hex: "ab",
        media_type: "application/pdf",
        file_name: "a\"b<c>.pdf",
        inline: true,
        history: true,
        nonce: "n0nce",
        grant: "gr4nt",
        by_grant: false,
        native_first: false,
        scripts: &pages::UNNAMED,
    }
}

/// A list with a letter in every state.
pub(crate) fn a_history(site: &Site, lang: Lang, end_to_end: bool) -> Page {
    use pages::Standing::{Accepted, Cancelled, Expired, New, Opened, Read, Refused, Unavailable, Withdrawn};
    let rows: Vec<HistoryRow> = [
        New,
        Opened,
        Read,
        Accepted,
        Refused(By::Reader),
        Refused(By::Sender),
        Withdrawn,
        Cancelled,
        Expired,
        Unavailable,
    ]
    .map(|standing| HistoryRow {
        subject: (standing != Unavailable).then(|| HOSTILE.to_owned()),
        date_text: "22 November 2026".to_owned(),
        date_iso: "2026-11-22T09:14:00Z".to_owned(),
        standing,
        until: (standing == New).then(|| ("22 December".to_owned(), "2026-12-22T22:59:00Z".to_owned())),
        link: (standing == Read).then(|| PATH.to_owned()),
        own_link_only: standing == Opened,
        here: standing == Read,
    })
    .into();
    let own_path = format!("{PATH}/history");
    let list = History {
        lang,
        path: PATH,
        own_path: &own_path,
        end_to_end,
        rows: &rows,
        more: true,
        incomplete: true,
    };
    pages::history(site, &list)
}

pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

/// The text of a piece of HTML, as `textContent` gives it.
pub(crate) fn text_of(html: &str) -> String {
    let mut out = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' if tag => tag = false,
            c if !tag => out.push(c),
            _ => {}
        }
    }
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(out, |text, (entity, plain)| text.replace(entity, plain))
}

/// What the page says, without its frame.
pub(crate) fn said(page: &Page) -> String {
    text_of(between(&page.html, "<main", "</main>"))
}
