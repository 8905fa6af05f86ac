//! Writes every page in every language into a folder, to look at: `cargo run --example render_pages -- FOLDER`.
//! The texts are invented. A file `NAME.csp` beside each page holds its content security policy.

use std::path::Path;
use std::{env, fs, io, process};

use waxseal::lang::Lang;
use waxseal::pages::{
    self, By, Choice, Closed, Confirm, ConfirmError, Detail, Envelope, FormError, History, HistoryRow,
    Letter, LetterNames, Page, Receipt, ReceiptEvent, Standing,
};
use waxseal::site::Site;

/// Sites that try the design: the usual one, a very light accent with a logo, and a very dark one.
const SITES: [(&str, &str); 3] = [
    (
        "garage",
        r##"{"name":"Garage De Linde","accent":"#9b2226","time_zone":"Europe/Amsterdam","default_language":"nl",
        "contact":{"email":"werkplaats@delinde.example","phone":"+31 20 555 01 23","url":"https://delinde.example/contact",
        "address":"Lindengracht 12\n1015 KJ Amsterdam"},"privacy_url":"https://delinde.example/privacy"}"##,
    ),
    (
        "sun",
        r##"{"name":"Sonnenschein Versicherungsvermittlungsgesellschaft","accent":"#ffd400","contact":{"phone":"0800 123 456"},
        "logo":"data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxNjAiIGhlaWdodD0iNDAiIHZpZXdCb3g9IjAgMCAxNjAgNDAiPjxyZWN0IHdpZHRoPSIxNjAiIGhlaWdodD0iNDAiIHJ4PSI4IiBmaWxsPSIjZmZkNDAwIi8+PGNpcmNsZSBjeD0iMjAiIGN5PSIyMCIgcj0iMTAiIGZpbGw9IiMzMzIyMDAiLz48dGV4dCB4PSI0MCIgeT0iMjciIGZvbnQtZmFtaWx5PSJzYW5zLXNlcmlmIiBmb250LXdlaWdodD0iNzAwIiBmb250LXNpemU9IjIwIiBmaWxsPSIjMzMyMjAwIj5Tb25uZW48L3RleHQ+PC9zdmc+"}"##,
    ),
    (
        "night",
        r##"{"name":"Österlund & Søn","accent":"#0b1f3a","contact":{"email":"hej@osterlund.example"}}"##,
    ),
];

const TOKEN: &str = "/0410p2tr9k7jv8m6q3z5x1w0c4b2n8h6g5f3d1s9a7t5r3e1w9q7y5v3k1m9p7n5x3c1";

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: render_pages FOLDER");
        process::exit(2);
    };
    let folder = Path::new(&folder);
    for (name, json) in SITES {
        let site = Site::from_json(json).map_err(io::Error::other)?;
        for lang in Lang::ALL {
            for (page, content) in pages_of(&site, lang) {
                write(&folder.join(name).join(lang.tag()), page, &content)?;
            }
        }
    }
    Ok(())
}

fn pages_of(site: &Site, lang: Lang) -> Vec<(&'static str, Page)> {
    let (subject, until, agreed) = match lang {
        Lang::En => (
            "Your inspection report: what we found under the bonnet",
            "22 December 2026 at 23:59",
            "22 November 2026 at 09:14",
        ),
        Lang::Nl => (
            "Uw keuringsrapport: wat we onder de motorkap vonden",
            "22 december 2026 om 23:59",
            "22 november 2026 om 09:14",
        ),
        Lang::Fr => (
            "Votre rapport de contrôle\u{a0}: l’état de votre voiture",
            "22 décembre 2026 à 23:59",
            "22 novembre 2026 à 09:14",
        ),
        Lang::De => (
            "Ihr Prüfbericht: Was wir unter der Motorhaube gefunden haben",
            "22. Dezember 2026 um 23:59",
            "22. November 2026 um 09:14",
        ),
    };
    let terms = site.terms(lang);
    let hex = terms.hex();
    let sealed = Envelope {
        lang,
        path: TOKEN,
        origin: "https://letters.example",
        subject,
        expires_text: until,
        expires_iso: "2026-12-22T23:59:00+01:00",
        terms_text: terms.text(),
        terms_hash_hex: &hex,
        nonce: "nonce",
        retention_days: 366,
        letter: "0192d3a4-b5c6-7d7e-8f90-a1b2c3d4e5f6",
        key_check: None,
        end_to_end: false,
        error: None,
        scripts: &pages::UNNAMED,
        ahead: true,
    };
    let letter = Letter {
        lang,
        path: TOKEN,
        subject,
        expires_text: until,
        expires_iso: "2026-12-22T23:59:00+01:00",
        consented_text: Some(agreed),
        consented_iso: Some("2026-11-22T09:14:00+01:00"),
        end_to_end: false,
        length: 2_345_678,
        body_length: 2_346_302,
        record_size: 65_536,
        sha256_hex: &hex,
        media_type: "application/pdf",
        file_name: "inspection-report-2026-11.pdf",
        inline: true,
        history: true,
        nonce: "nonce",
        grant: "grant",
        by_grant: false,
        native_first: false,
        scripts: &pages::UNNAMED,
    };
    let event_by = |choice, by, entry| ReceiptEvent {
        choice,
        by,
        when_text: agreed.to_owned(),
        when_iso: "2026-11-22T09:14:00+01:00".to_owned(),
        id: "019ab0c2-1f40-7a31-9d52-6b1f0c9e4a77".to_owned(),
        entry,
        hash: "bd32b6d1488c2976086bb64f6dee70807cc5ed481e95857502c19c4246dc8380".to_owned(),
    };
    let event = |choice, entry| event_by(choice, By::Reader, entry);
    let refused_by_sender = [event_by(Choice::Refused, By::Sender, 1204)];
    let given = [event(Choice::Given, 1204)];
    let withdrawn = [event(Choice::Given, 1204), event(Choice::Withdrawn, 1377)];
    let refused = [event(Choice::Refused, 1204)];
    let names = LetterNames {
        reference: Some("R-2026/1107"),
        file_name: "inspection-report-2026-11.pdf",
        sha256_hex: hex.clone(),
    };
    let receipt = Receipt {
        lang,
        path: TOKEN,
        events: &given,
        subject: Some(subject),
        names: Some(&names),
        terms_text: Some(terms.text()),
        terms_hash_hex: &hex,
        retention_days: 366,
        open: true,
        end_to_end: false,
    };
    let happened = Detail {
        path: Some(TOKEN),
        when_text: Some(agreed),
        when_iso: Some("2026-11-22T09:14:00+01:00"),
        subject: Some(subject),
        ..Detail::default()
    };
    let plain = Detail { path: Some(TOKEN), ..Detail::default() };
    let question = Confirm {
        lang,
        path: TOKEN,
        nonce: "nonce",
        refuse_nonce: "nonce",
        choices: &[0, 3, 5, 7, 9, 11],
        right: 2,
        decline: false,
        end_to_end: false,
        error: None,
    };
    let closed = |reason, detail: &Detail<'_>| pages::closed(site, lang, reason, detail);
    vec![
        ("envelope", pages::envelope(site, &sealed)),
        ("envelope-e2e", pages::envelope(site, &Envelope { end_to_end: true, ..sealed })),
        (
            "envelope-unticked",
            pages::envelope(site, &Envelope { error: Some(FormError::Unticked), ..sealed }),
        ),
        ("envelope-late", pages::envelope(site, &Envelope { error: Some(FormError::Expired), ..sealed })),
        ("envelope-lost", pages::envelope(site, &Envelope { error: Some(FormError::Lost), ..sealed })),
        ("letter", pages::letter(site, &letter)),
        ("letter-e2e", pages::letter(site, &Letter { end_to_end: true, ..letter })),
        ("letter-file", pages::letter(site, &Letter { inline: false, file_name: "figures.xlsx", ..letter })),
        ("history", history(site, lang, subject, until, false)),
        ("history-incomplete", history(site, lang, subject, until, true)),
        ("receipt", pages::receipt(site, &receipt)),
        ("receipt-e2e", pages::receipt(site, &Receipt { end_to_end: true, ..receipt })),
        ("receipt-withdrawn", pages::receipt(site, &Receipt { events: &withdrawn, open: false, ..receipt })),
        (
            "receipt-refused",
            pages::receipt(site, &Receipt { events: &refused, terms_text: None, open: false, ..receipt }),
        ),
        ("receipt-later", closed(Closed::ReceiptLater { retry_after_s: 60 }, &plain)),
        ("expired", closed(Closed::Expired, &happened)),
        ("cancelled", closed(Closed::Cancelled, &happened)),
        ("refused", closed(Closed::Refused(By::Reader), &happened)),
        ("withdrawn", closed(Closed::Withdrawn(By::Reader), &happened)),
        ("refused-by-sender", closed(Closed::Refused(By::Sender), &happened)),
        ("withdrawn-by-sender", closed(Closed::Withdrawn(By::Sender), &happened)),
        ("refused-by-mail-program", closed(Closed::Refused(By::MailProgram), &happened)),
        (
            "receipt-refused-by-sender",
            pages::receipt(
                site,
                &Receipt {
                    events: &refused_by_sender,
                    terms_text: None,
                    terms_hash_hex: "",
                    open: false,
                    ..receipt
                },
            ),
        ),
        ("erased", closed(Closed::Erased, &plain)),
        ("missing", closed(Closed::Missing, &plain)),
        ("damaged", closed(Closed::Damaged, &plain)),
        ("unavailable", closed(Closed::Unavailable { retry_after_s: 30 }, &plain)),
        ("busy", closed(Closed::Busy { retry_after_s: 120 }, &plain)),
        ("full", closed(Closed::Full, &plain)),
        ("refused-undo", closed(Closed::Refused(By::Reader), &Detail { undo_nonce: Some("nonce"), ..plain })),
        (
            "withdrawn-undo",
            closed(Closed::Withdrawn(By::Reader), &Detail { undo_nonce: Some("nonce"), ..plain }),
        ),
        ("undo-late", closed(Closed::UndoLate, &plain)),
        ("no-right", closed(Closed::NoRight, &plain)),
        ("withdraw", pages::withdraw(site, lang, TOKEN, "nonce")),
        ("confirm", pages::confirm(site, &question)),
        ("confirm-decline", pages::confirm(site, &Confirm { decline: true, ..question })),
        (
            "confirm-decline-wrong",
            pages::confirm(site, &Confirm { decline: true, error: Some(ConfirmError::Wrong), ..question }),
        ),
        ("letter-by-grant", pages::letter(site, &Letter { by_grant: true, ..letter })),
        ("form-expired", closed(Closed::FormExpired, &plain)),
        ("form-invalid", closed(Closed::FormInvalid, &plain)),
        ("preview", pages::preview(site, lang, "https://letters.example")),
    ]
}

/// A list with a letter in every state, one of them with a subject that is hard to set.
fn history(site: &Site, lang: Lang, subject: &str, until: &str, incomplete: bool) -> Page {
    let standings = [
        Standing::New,
        Standing::Read,
        Standing::Opened,
        Standing::New,
        Standing::Accepted,
        Standing::Unavailable,
        Standing::Refused(By::Reader),
        Standing::Withdrawn,
        Standing::Cancelled,
        Standing::Expired,
    ];
    let day = until.split_once("2026").map(|(day, _)| format!("{day}2026")).unwrap_or_default();
    let rows: Vec<HistoryRow> = (0..)
        .zip(standings)
        .map(|(at, standing)| {
            let opens = at < 5;
            let known = standing != Standing::Unavailable;
            let long =
                "Donaudampfschifffahrtsgesellschaftskapitänsmützenprüfbericht 2026/11-000-417-B (Fassung 3)";
            HistoryRow {
                subject: known.then(|| if at == 4 { long.to_owned() } else { subject.to_owned() }),
                date_text: day.clone(),
                date_iso: "2026-11-22T09:14:00Z".to_owned(),
                standing,
                until: opens.then(|| (until.to_owned(), "2026-12-22T23:59:00+01:00".to_owned())),
                link: (opens && at != 3).then(|| TOKEN.to_owned()),
                own_link_only: at == 3,
                here: at == 1,
            }
        })
        .collect();
    let own_path = format!("{TOKEN}/history");
    let list = History {
        lang,
        path: TOKEN,
        own_path: &own_path,
        end_to_end: false,
        rows: &rows,
        more: incomplete,
        incomplete,
    };
    pages::history(site, &list)
}

fn write(folder: &Path, name: &str, page: &Page) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name).with_extension("html"), &page.html)?;
    fs::write(folder.join(name).with_extension("csp"), &page.csp)
}
